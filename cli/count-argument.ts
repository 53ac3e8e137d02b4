import { invalidInput } from '../base/errors.js';

const factors: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * A count as people write it: `2M`, `1.5k`, `40000`.
 * @param option that it is the value of, for the message
 * @throws NasError `invalid-input` when it is none, or not above 0
 */
export function parseCount(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([kmg]?)$/i.exec(text.trim());
  const value = match === null ? 0 : Math.round(Number(match[1]) * factors[match[2].toLowerCase()]);
  if (value > 0) return value;
  throw invalidInput(`${option} ${text}: expected a number above 0, such as 2M, 500k or 40000`);
}
