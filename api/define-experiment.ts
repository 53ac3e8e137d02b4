import { join } from 'node:path';
import { parseExperiment, type LoadedExperiment } from '../experiments/parse/load.js';
import type { WrittenExperiment } from '../experiments/schema/experiment.js';

/**
 * An experiment from an object with the keys of an experiment file; missing keys have their defaults. Relative paths start
 * at the current folder.
 *
 * @example
 * const experiment = defineExperiment({
 *   name: 'first',
 *   data: { type: 'image-folder', path: './images' },
 *   space: { type: 'mobilenet', preset: 'small' },
 * });
 * @throws NasError `invalid-input` with all mistakes; each names its key path, the value and the allowed values.
 */
export const defineExperiment = (written: WrittenExperiment): LoadedExperiment =>
  parseExperiment(join(process.cwd(), 'experiment'), JSON.stringify(written), { positions: false });
