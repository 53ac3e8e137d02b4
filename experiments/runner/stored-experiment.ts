import { invalidInput } from '../../base/errors.js';
import { type Clock, Store } from '../../store/index.js';
import { parseExperiment, type LoadedExperiment } from '../parse/index.js';
import { isMap } from '../parse/problem.js';
import type { Experiment } from '../schema/experiment.js';
import { databasePath } from '../stored/workdir.js';
import { canonicalJson } from '../../base/hash.js';
import type { RunObserver } from './events.js';

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

/** Where two values differ: the keys of maps down to where they lead to something else. */
export function differences(before: unknown, now: unknown, path = ''): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isMap(before) || !isMap(now)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differences(before[key], now[key], path === '' ? key : `${path}.${key}`));
}

/** Where two experiments differ in what decides results; who does the work is not among it. */
const resultDifferences = (before: unknown, now: unknown): string[] =>
  differences(before, now).filter((key) => key !== 'workers' && !key.startsWith('workers.'));

const msPerHour = 3_600_000;

/** Whether a run has been at work for its hours: since `clock` was first read, and before it was last resumed. */
export function outOfTime({ search }: Experiment, store: Store, clock: Clock): () => boolean {
  const hours = search.stop?.hours;
  if (hours === undefined) return () => false;
  const events = store.events.all();
  // Between the last event before a resume and the resume, nobody was at work.
  const spent = events.reduce(
    (sum, { at, kind }, i) => (i === 0 || kind === 'resumed' ? sum : sum + at - events[i - 1].at),
    0,
  );
  const began = clock();
  return () => spent + clock() - began >= hours * msPerHour;
}

/**
 * The experiment of a run with another number of trials: `+20` more, or `70` in all; says whether what comes of it is
 * what would have come of so many at first.
 * @throws NasError `invalid-input` when the text says neither, or fewer than were asked already, or its hours are over.
 */
export function withMoreTrials(experiment: Experiment, text: string, store: Store, observe: RunObserver): Experiment {
  const { search } = experiment;
  const asked = Object.values(store.trials.progress()).reduce((a, b) => a + b, 0);
  const trials = text.startsWith('+') ? search.trials + Number(text) : Number(text);
  if (!/^\+?\d+$/.test(text) || Number(text) === 0 || !Number.isSafeInteger(trials))
    throw invalidInput(`--trials ${text}: expected a number of trials, such as 70, or of further ones, such as +20`);
  if (trials < asked)
    throw invalidInput(`--trials ${text}: the run has asked for ${asked} trials already`, {
      hint: 'Give at least as many, or further ones, such as +20.',
    });
  if (trials === search.trials) return experiment;
  // Nobody is at work meanwhile: whatever the clock, no time passes.
  if (outOfTime(experiment, store, () => 0)())
    throw invalidInput(`--trials ${text}: the ${search.stop?.hours ?? 0} hours of the search (search.stop) are over`, {
      hint: 'Begin another run with more of them; search.seed_from tries the frontier of this one first.',
    });
  const reasons = [
    ...(search.fidelity.type === 'none' ? [] : [`what ${search.fidelity.type} stopped at the end stays stopped`]),
    ...(search.order === 'delayed' ? [] : ['in asynchronous order, trials are asked from whatever has finished']),
    ...(typeof search.controller === 'string' ? [] : ['a controller of your own may do otherwise']),
  ];
  const same =
    reasons.length === 0
      ? 'as if they had been asked for at first'
      : `not quite as if asked for at first: ${reasons.join('; ')}`;
  observe({ kind: 'note', message: `${trials} trials instead of ${search.trials}, ${same}` });
  const { stop } = search;
  const more = { trials, ...(stop === undefined ? {} : { stop: { ...stop, trials } }) };
  return withSearch(experiment, more);
}

const withSearch = <E extends Experiment>(experiment: E, more: Pick<E['search'], 'trials'>): E => ({
  ...experiment,
  search: { ...experiment.search, ...more },
});
