import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { describeEnvironment } from '../../latency-models/index.js';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isTableExperiment, type Experiment } from '../schema.js';

/** What the results of a run on a table rest on. */
const tableOrigin = z.object({ table: z.string(), sha256: z.string() });

/** What a run is made on, for its record: machine and software, or the table. */
export function environmentOf(experiment: Experiment, threads: number): unknown {
  if (isTableExperiment(experiment)) {
    const { file } = experiment.space;
    return { table: file, sha256: contentHash(readFileSync(file)), time: 'simulated' };
  }
  const { engine, train } = experiment;
  return describeEnvironment('training', { provider: engine.provider, threads, batch: train.batch });
}

/** @throws NasError `invalid-input` when a run on a table would go on with another content of its file. */
export function requireSameTable(experiment: Experiment, environment: unknown): void {
  if (!isTableExperiment(experiment)) return;
  const { table, sha256 } = tableOrigin.parse(environment);
  if (contentHash(readFileSync(table)) !== sha256)
    throw invalidInput(`${table}: the table has changed since the run began`, {
      hint: 'Bring the old content back, or start over with nas run --fresh.',
    });
}
