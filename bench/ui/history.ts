import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { loadExperiment, runExperiment } from '../../experiments/index.js';
import { writeLargeTable, writeSearch } from '../search/large-table.js';

/** Searches the large table. @returns the folder with the run `large`. */
export async function makeHistory(folder: string, trials: number): Promise<string> {
  const runs = join(folder, 'runs');
  mkdirSync(runs);
  writeLargeTable(folder);
  const loaded = loadExperiment(writeSearch(folder, 'random', trials));
  await runExperiment(loaded, { workdir: join(runs, 'large') }, () => undefined);
  return runs;
}
