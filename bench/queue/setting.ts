import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadExperiment, runExperiment, type RunEvent } from '../../experiments/index.js';
import type { CreateJobRunner } from '../../experiments/runner/jobs/local-pool.js';

/** What all experiments of these benches have: nothing is measured, and what is asked for does not depend on results. */
const common = {
  space: { type: 'mobilenet', preset: 'tiny' },
  objectives: ['accuracy', 'params'],
};

/** A search as it is run here. */
export interface Setting {
  readonly folder: string;
  readonly name: string;
  readonly parallel: number;
  readonly trials: number;
  /** Further keys of the experiment. */
  readonly parts: object;
  /** What does the jobs. */
  readonly workers: CreateJobRunner;
}

/** Runs a search. */
export async function runSearch(
  { folder, name, parallel, trials, parts, workers }: Setting,
  observe: (event: RunEvent) => void = () => undefined,
): Promise<void> {
  const file = join(folder, `${name}.yaml`);
  const search = { controller: 'random', trials, parallel, order: 'async' };
  writeFileSync(file, stringify({ name, ...common, ...parts, search }));
  await runExperiment(loadExperiment(file), { workdir: join(folder, 'runs', name), workers }, observe);
}

/** A data set that takes no time, for candidates that are not trained. */
export const littleData = { type: 'fashion-mnist', subset: 0.01 } as const;

/** Writes a function that stands for training. @returns its file. */
export function writeEvaluation(folder: string, name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `export default async ({ network, seed }) => {\n${body}\n};\n`);
  return file;
}
