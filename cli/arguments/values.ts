import { invalidInput } from '../../base/errors.js';

/**
 * Requires a whole number.
 * @param option for messages: `--seeds`
 * @throws NasError `invalid-input` unless it is a whole number from `least` to `most`
 */
export function wholeNumber(option: string, value: number, least = 1, most = Infinity): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw invalidInput(`${option} ${value}: expected a whole number ${range}`);
}

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * An amount of memory or disk in bytes: `4G`, `512MiB`, `1.5g`; in binary units.
 * @param option for messages
 * @throws NasError `invalid-input` unless it is above 0
 */
export function parseBytes(option: string, text: string): number {
  const match = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[KMGT]?)(?:i?B)?$/i.exec(text.trim())?.groups;
  const value = Number(match?.['number']) * units[match?.['unit']?.toUpperCase() ?? ''];
  if (!(value >= 1 && Number.isFinite(value)))
    throw invalidInput(`${option} ${text}: expected an amount of bytes, such as 4G or 512M`);
  return Math.floor(value);
}

const factors: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/**
 * A count: `2M`, `1.5k`, `40000`.
 * @param option for messages
 * @throws NasError `invalid-input` unless it is above 0
 */
export function parseCount(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([kmg]?)$/i.exec(text.trim());
  const value = match === null ? 0 : Math.round(Number(match[1]) * factors[match[2].toLowerCase()]);
  if (value > 0) return value;
  throw invalidInput(`${option} ${text}: expected a number above 0, such as 2M, 500k or 40000`);
}
