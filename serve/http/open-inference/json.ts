import { messageOf } from '../../../base/errors.js';
import { Refusal } from '../../../base/server.js';
import { badRequest } from '../refusals.js';

/** Limits of a request's JSON. Parsing blocks the server: 4 MiB of numbers some 30 ms, of objects 350 ms. */
const most = { bytes: 1 << 22, depth: 16, objects: 64, arrays: 1 << 16, texts: 1 << 10 } as const;

const [quote, backslash] = [0x22, 0x5c];
const [array, object] = [0x5b, 0x7b];
/** A closing bracket follows its opening one by two. */
const closes = (byte: number): boolean => byte === array + 2 || byte === object + 2;

/** The limit that the JSON exceeds, found without parsing it; null: none. */
function excessOf(bytes: Uint8Array): string | null {
  const counts = { [array]: 0, [object]: 0, [quote]: 0 };
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === quote) {
      if (++counts[quote] > most.texts) return `more than ${most.texts} texts`;
      for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++;
    } else if (byte === array || byte === object) {
      counts[byte]++;
      if (++depth > most.depth) return `more than ${most.depth} levels`;
    } else if (closes(byte)) depth--;
  }
  if (counts[object] > most.objects) return `more than ${most.objects} objects`;
  return counts[array] > most.arrays ? `more than ${most.arrays} arrays` : null;
}

const hint = 'Send the tensor as bytes.';

/** @throws Refusal 413 when JSON of so many bytes is too large */
export function checkJsonSize(bytes: number): void {
  if (bytes > most.bytes) throw new Refusal(413, `the JSON has ${bytes} bytes, the limit is ${most.bytes}`, hint);
}

/**
 * Parses JSON of bounded size.
 * @param what what errors call it
 * @throws Refusal 413 or 400 when it is too large, nested too deeply or no JSON
 */
export function parseJson(bytes: Buffer, what: string, otherwise?: string): unknown {
  checkJsonSize(bytes.length);
  const excess = excessOf(bytes);
  if (excess !== null) throw new Refusal(400, `the JSON has ${excess}`, hint);
  try {
    return JSON.parse(bytes.toString());
  } catch (error) {
    throw badRequest(`${what} is not JSON: ${messageOf(error)}`, otherwise);
  }
}
