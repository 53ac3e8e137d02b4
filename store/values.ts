import { NasError } from '../base/errors.js';

/** Number formats of a trial's network: 32-bit floats, or 8-bit integers where it was quantized. */
export const storedPrecisions = ['fp32', 'int8'] as const;
export type StoredPrecision = (typeof storedPrecisions)[number];

/**
 * A number that may be stored. SQLite would make NULL of NaN; a diverged training must be seen instead.
 * @throws NasError `failure` naming what is not finite.
 */
export function finite(value: number, what: string): number {
  if (!Number.isFinite(value)) throw new NasError('failure', `${what} is ${value}, not a finite number`);
  return value;
}

/**
 * A plain value as JSON text.
 * @throws NasError `failure` when it holds a number that JSON cannot express.
 */
export function json(value: unknown, what: string): string {
  const text: unknown = JSON.stringify(value, (key, item: unknown) =>
    typeof item === 'number' ? finite(item, key === '' ? what : `${what}: ${key}`) : item,
  );
  if (typeof text !== 'string') throw new TypeError(`${what} cannot be written as JSON`);
  return text;
}

/** Float64 samples as little-endian bytes. */
export const toBlob = (samples: readonly number[], what: string): Uint8Array =>
  new Uint8Array(Float64Array.from(samples, (sample) => finite(sample, what)).buffer);

/** The samples of `toBlob`; the bytes are copied, as a blob may begin anywhere in memory. */
export const fromBlob = (bytes: Uint8Array): number[] => [...new Float64Array(Uint8Array.from(bytes).buffer)];
