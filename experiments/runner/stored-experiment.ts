import { invalidInput } from '../../base/errors.js';
import { Store } from '../../store/index.js';
import { parseExperiment, type LoadedExperiment } from '../parse/index.js';
import { isMap } from '../parse/problem.js';
import type { Experiment } from '../schema/experiment.js';
import { resultDifferences } from './differences.js';
import { databasePath } from './workdir.js';

/** @throws NasError `invalid-input` when the workdir's run was begun with another experiment; others may do its work. */
export function requireSame(workdir: string, { experiment }: LoadedExperiment): void {
  const store = Store.open(databasePath(workdir), { readonly: true });
  try {
    // What was written counts: a default may follow from the machine, or be another one today.
    const stored = asWritten(store, workdir) ?? filled(store.run.get().experiment, experiment);
    const differing = resultDifferences(stored, experiment);
    if (differing.length === 0) return;
    const more = differing.every((key) => key === 'search.trials' || key === 'search.stop.trials');
    throw invalidInput(`${workdir} holds a run of another experiment (it differs in ${differing.join(', ')})`, {
      hint: more
        ? 'nas resume with --trials gives the old run more trials; or choose another folder with --workdir, or throw it away with --fresh.'
        : 'Choose another folder with --workdir, continue the old run with nas resume, or throw it away with --fresh.',
    });
  } finally {
    store.close();
  }
}

/** The experiment of a stored run: every value as it was settled when the run began, later keys by their defaults. */
export function storedExperiment(store: Store, workdir: string): Experiment {
  // Written by `runExperiment`, which had it from the schema.
  const settled = store.run.get().experiment as Experiment;
  return filled(settled, asWritten(store, workdir) ?? settled) as Experiment;
}

/**
 * What the user of a stored run wrote, parsed on this machine by this version; undefined when the run does not tell.
 * @throws NasError `invalid-input` when this version does not understand it.
 */
function asWritten(store: Store, workdir: string): Experiment | undefined {
  // Stored when the run began.
  const [{ detail }] = store.events.of('created');
  const { written } = detail as { readonly written?: unknown };
  if (written === undefined) return undefined;
  const file = `${databasePath(workdir)} (the experiment as it was written)`;
  return parseExperiment(file, JSON.stringify(written), { checkFiles: false }).experiment;
}

/** A value with the keys that only `defaults` has; maps of different types are left alone. */
function filled(value: unknown, defaults: unknown): unknown {
  if (!isMap(value) || !isMap(defaults) || value['type'] !== defaults['type']) return value;
  const keys = new Set([...Object.keys(defaults), ...Object.keys(value)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in value ? filled(value[key], defaults[key]) : defaults[key]]),
  );
}
