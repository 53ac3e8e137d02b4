import { invalidInput } from '../base/errors.js';

const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * An amount of memory or disk in bytes: `4G`, `512MiB`, `1.5g`; in binary units.
 * @param option for messages
 * @throws NasError `invalid-input` when it is none above 0
 */
export function parseBytes(option: string, text: string): number {
  const match = /^(?<number>\d+(?:\.\d+)?)\s*(?<unit>[KMGT]?)(?:i?B)?$/i.exec(text.trim())?.groups;
  const value = Number(match?.['number']) * units[match?.['unit']?.toUpperCase() ?? ''];
  if (!(value >= 1 && Number.isFinite(value)))
    throw invalidInput(`${option} ${text}: expected an amount of bytes, such as 4G or 512M`);
  return Math.floor(value);
}
