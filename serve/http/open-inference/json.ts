import { Refusal } from '../../../base/server.js';

/** Deepest nesting: a request's inputs, a tensor's data, and its shape. */
const maxDepth = 16;
/** Parsed JSON takes some ten times the memory of its text, so tensors in JSON are bounded; tensors in bytes are not. */
const maxBytes = 1 << 23;

const [quote, backslash] = [0x22, 0x5c];
const opens = (byte: number): boolean => byte === 0x5b || byte === 0x7b;
const closes = (byte: number): boolean => byte === 0x5d || byte === 0x7d;

/** Whether arrays and objects are nested deeper than allowed, outside of texts. */
function isTooDeep(bytes: Uint8Array): boolean {
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++;
    } else if (opens(byte)) {
      if (++depth > maxDepth) return true;
    } else if (closes(byte)) depth--;
  }
  return false;
}

/**
 * Parses JSON of bounded size and depth.
 * @throws Refusal 413 or 400 when it is too large or nested too deeply; SyntaxError
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length > maxBytes)
    throw new Refusal(413, `the JSON has ${bytes.length} bytes, the limit is ${maxBytes}`, 'Send the tensor as bytes.');
  if (isTooDeep(bytes)) throw new Refusal(400, `the JSON is nested deeper than ${maxDepth} levels`);
  return JSON.parse(bytes.toString());
}
