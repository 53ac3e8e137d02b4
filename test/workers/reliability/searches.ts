import { jobQueue } from '../../../workers/index.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadExperiment } from '../../../experiments/parse/index.js';
import { resumeExperiment, runExperiment } from '../../../runner/index.js';
import { type RunEvent, type RunObserver } from '../../../runner/events.js';
import { writeExperiment, type ExperimentParts } from '../../runner/experiment.js';
import { findings } from '../../runner/findings.js';

/** `workers:` of an experiment whose jobs go to a queue. */
export const queueAt = (url: string, more = ''): string => `{ type: queue, url: "${url}"${more} }`;

/** Writes an experiment of a few small trainings, each long enough to be disturbed. */
export const writeTrainings = (directory: string, workers: string, changes: ExperimentParts = {}): string =>
  writeExperiment(directory, {
    name: 'trainings',
    teacher: null,
    train: '{ epochs: 4, batch: 32, checkpoint_seconds: 0.1 }',
    engine: '{ threads: 1 }',
    search: '{ controller: random, trials: 2, parallel: 2, retries: 3 }',
    final: null,
    workers,
    ...changes,
  });

/**
 * Writes an experiment whose candidates a module evaluates. Each evaluation logs a line, then runs `body`,
 * in which `seed` names the trial, `log(text)` writes, `wait(ms)` waits, and `file(name)` is a file in the directory.
 */
export function writeEvaluations(
  directory: string,
  workers: string,
  { body = '', ...changes }: ExperimentParts & { readonly body?: string } = {},
): { readonly file: string; readonly log: () => readonly string[] } {
  const name = changes.name ?? 'evaluations';
  const log = join(directory, `${name}.log`);
  writeFileSync(log, '');
  writeFileSync(
    join(directory, `${name}.mjs`),
    `import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
const file = (name) => ${JSON.stringify(`${directory}/`)} + name;
const log = (text) => appendFileSync(${JSON.stringify(log)}, text + '\\n');
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
export default async ({ genotype, seed }, { signal }) => {
  log('asked ' + seed);
  ${body}
  const sum = genotype.reduce((a, b) => a + b, 0);
  return { accuracy: (sum + (seed % 97) / 100) / (sum + 5) };
};
`,
  );
  const file = writeExperiment(directory, {
    name,
    teacher: null,
    train: null,
    final: null,
    evaluate: `{ type: module, path: ./${name}.mjs }`,
    search: '{ controller: random, trials: 6, parallel: 2, retries: 2 }',
    workers,
    ...changes,
  });
  return { file, log: () => readFileSync(log, 'utf8').split('\n').filter(Boolean) };
}

/** The end of a run, and its events. */
export interface Ran {
  readonly state: 'complete' | 'interrupted';
  readonly found: ReturnType<typeof findings>;
  readonly events: readonly RunEvent[];
}

/** Runs or resumes an experiment through its queue; the coordinator is the test's process. */
export async function runQueued(
  { file, workdir, signal }: { readonly file?: string; readonly workdir: string; readonly signal?: AbortSignal },
  observe: RunObserver = () => undefined,
): Promise<Ran> {
  const events: RunEvent[] = [];
  const hear = (event: RunEvent) => {
    events.push(event);
    observe(event);
  };
  const options = { queue: jobQueue, ...(signal !== undefined && { signal }) };
  const { state } =
    file === undefined
      ? await resumeExperiment(workdir, options, hear)
      : await runExperiment(loadExperiment(file), { workdir, ...options }, hear);
  return { state, found: findings(workdir), events };
}

/** How often each epoch of each trial was reported, as `trial/epoch`. */
export function epochsReported(events: readonly RunEvent[]): ReadonlyMap<string, number> {
  const reported = new Map<string, number>();
  for (const event of events)
    if (event.kind === 'trial-epoch') {
      const key = `${event.number}/${event.epoch}`;
      reported.set(key, (reported.get(key) ?? 0) + 1);
    }
  return reported;
}

export const retriesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.kind === 'trial-retried' ? [event] : []));
