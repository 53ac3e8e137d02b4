import fc from 'fast-check';
import { invalidInput } from '../../base/errors.js';

/**
 * The seed of fast-check properties from `NAS_PROPERTY_SEED`: an integer, or `random`.
 * @returns 1 by default; undefined for a new seed in every run
 * @throws NasError for other values
 */
export function propertySeed(setting: string | undefined): number | undefined {
  if (setting === undefined) return 1;
  if (setting === 'random') return undefined;
  if (/^-?\d+$/.test(setting)) return Number(setting);
  throw invalidInput(`NAS_PROPERTY_SEED: ${JSON.stringify(setting)} is not a seed`, {
    hint: 'Set an integer, or random.',
  });
}

const seed = propertySeed(process.env['NAS_PROPERTY_SEED']);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
