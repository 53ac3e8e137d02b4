import { acts, type Field, fields, type Memory, ops, type Pass, sliceOf } from './passes.js';
import type { Offsets } from './memory.js';

const names = Object.keys(fields) as Field[];

/** 32-bit numbers of a pass. */
export const passInts = 1 + names.length;

const bits = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  bits.setFloat32(0, value);
  return bits.getInt32(0);
}

function offsetOf(memory: Memory, offsets: Offsets, where: string): number {
  const { buffer, from, floats } = sliceOf(memory);
  const offset = offsets.get(buffer);
  if (offset === undefined) throw new Error(`${where} is in the buffer ${buffer.name}, which has no place`);
  if (from < 0 || from + floats > buffer.floats)
    throw new Error(
      `${where} is [${from}, ${from + floats}) of the buffer ${buffer.name}, which has ${buffer.floats} floats`,
    );
  return offset + from;
}

/** The number in a field; 0 where the pass has none. */
function encoded(pass: Pass, name: Field, offsets: Offsets, where: string): number {
  const value = pass[name];
  if (value === undefined) return 0;
  if (typeof value === 'object') return offsetOf(value, offsets, `${where} ${name}`);
  if (typeof value === 'string') return acts.indexOf(value);
  if (fields[name] === 'float') return bitsOf(value);
  if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 31)
    throw new Error(`${where} ${name} is ${value}, and has to be a whole number of 32 bits`);
  return value;
}

/** Passes as the library reads them (`struct nas_pass`). */
export function encodePasses(passes: readonly Pass[], offsets: Offsets): Int32Array {
  const encodedPasses = new Int32Array(passes.length * passInts);
  for (const [i, pass] of passes.entries()) {
    const where = `pass ${i} (${pass.op})`;
    const numbers = names.map((name) => encoded(pass, name, offsets, where));
    encodedPasses.set([ops.indexOf(pass.op), ...numbers], i * passInts);
  }
  return encodedPasses;
}
