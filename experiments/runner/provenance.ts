import { invalidInput } from '../../base/errors.js';
import { contentHash } from '../../base/hash.js';
import { describeEnvironment } from '../../latency-models/index.js';
import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { isTableExperiment, type Experiment } from '../schema.js';

/** What the results of a run rest on besides its experiment: the content of files, by the key that names them. */
const filesShape = z.looseObject({ files: z.record(z.string(), z.string()).default({}) });

/** Before there were others, only a table was kept. */
const tableShape = z.looseObject({ table: z.string(), sha256: z.string() });

/** The files whose content decides the results, by the key that names them: the table, and modules of one's own. */
function filesOf(experiment: Experiment): Readonly<Record<string, string>> {
  const { space, search } = experiment;
  return {
    ...(space.type === 'table' ? { 'space.file': space.file } : {}),
    ...(space.type === 'module' ? { 'space.path': space.path } : {}),
    ...(typeof search.controller === 'string' ? {} : { 'search.controller.path': search.controller.path }),
    ...('evaluate' in experiment && experiment.evaluate !== undefined
      ? { 'evaluate.path': experiment.evaluate.path }
      : {}),
  };
}

/** Null when it is gone. */
const hashOf = (file: string): string | null => (existsSync(file) ? contentHash(readFileSync(file)) : null);

/** What a run is made on, for its record: machine and software, or the table; and the files that decide its results. */
export function environmentOf(experiment: Experiment, threads: number): unknown {
  const files = Object.fromEntries(Object.entries(filesOf(experiment)).map(([key, file]) => [key, hashOf(file)]));
  const beside = Object.keys(files).length === 0 ? {} : { files };
  if (isTableExperiment(experiment)) return { table: experiment.space.file, time: 'simulated', ...beside };
  const { engine, train } = experiment;
  return { ...describeEnvironment('training', { provider: engine.provider, threads, batch: train.batch }), ...beside };
}

/** @throws NasError `invalid-input` when a run would go on with another content of its table or of a module. */
export function requireSameFiles(experiment: Experiment, environment: unknown): void {
  const old = tableShape.safeParse(environment);
  const { files: stored } = filesShape.parse(environment);
  const known = old.success ? { ...stored, 'space.file': old.data.sha256 } : stored;
  for (const [key, file] of Object.entries(filesOf(experiment))) {
    const what = key === 'space.file' ? 'table' : 'module';
    // Runs of older versions did not keep it.
    if (key in known && known[key] !== hashOf(file))
      throw invalidInput(`${file}: the ${what} has changed since the run began, or is gone`, {
        hint: 'Bring the old content back, or start over with nas run --fresh.',
      });
  }
}
