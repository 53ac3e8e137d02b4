import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { type RunEvent } from '../../runner/events.js';
import type { CreateJobRunner } from '../../runner/job-runners.js';

/** Common to all experiments: no measurements, and asks do not depend on results. */
const common = {
  space: { type: 'mobilenet', preset: 'tiny' },
  objectives: ['accuracy', 'params'],
};

/** Parameters of a search. */
export interface Setting {
  readonly folder: string;
  readonly name: string;
  readonly parallel: number;
  readonly trials: number;
  /** Further keys of the experiment. */
  readonly parts: object;
  /** Creates the job runner. */
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

/** A data set that loads quickly, for candidates without training. */
export const littleData = { type: 'fashion-mnist', subset: 0.01 } as const;

/** Writes a module with an evaluation function. @returns its path. */
export function writeEvaluation(folder: string, name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  writeFileSync(file, `export default async ({ network, seed }) => {\n${body}\n};\n`);
  return file;
}
