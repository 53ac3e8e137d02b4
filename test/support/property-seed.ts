import fc from 'fast-check';
import { invalidInput } from '../../base/errors.js';

/**
 * What `NAS_PROPERTY_SEED` says: an integer, or `random`.
 * @returns the seed that properties draw their cases from, the same in every run unless asked otherwise; undefined for
 *   another one each time.
 * @throws NasError of anything else.
 */
export function propertySeed(setting: string | undefined): number | undefined {
  if (setting === undefined) return 1;
  if (setting === 'random') return undefined;
  if (/^-?\d+$/.test(setting)) return Number(setting);
  throw invalidInput(`NAS_PROPERTY_SEED: ${JSON.stringify(setting)} is no seed`, {
    hint: 'Set an integer, or random.',
  });
}

const seed = propertySeed(process.env['NAS_PROPERTY_SEED']);
if (seed !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed });
