import { invalidInput } from '../base/errors.js';
import { canonicalJson } from '../base/hash.js';
import { Store } from '../store/index.js';
import { parseExperiment, type LoadedExperiment } from '../experiments/parse/index.js';
import { isMap, valueAt } from '../experiments/parse/problem.js';
import type { Experiment } from '../experiments/schema/experiment.js';
import { experimentOf } from './stored/experiment.js';
import { databasePath } from './stored/workdir.js';
import type { RunObserver } from './events.js';
import { decidesTrials } from './budget/decisions.js';
import { outOfTime } from './working-time.js';

/** Keys of files whose content decides, and not where they are. */
const movable = [
  ...['data.path', 'data.unlabelled', 'teacher.path', 'initial', 'supernet.from', 'evaluate.path'],
  ...['space.path', 'space.file', 'search.controller.path', 'latency.device.file'],
] as const;

/** Where files are now, by the key that names them. */
export type Moved = Readonly<Record<string, string>>;

/** Keys that each part of a run may have others of: results do not depend on them. */
const mayDiffer = /^(workers|log)(\.|$)/;

/**
 * @returns files that are elsewhere now; their content is still to be compared
 * @throws NasError `invalid-input` when the workdir's run has another experiment; `mayDiffer` are what it may have others of
 */
export function requireSame(workdir: string, { experiment }: LoadedExperiment): Moved {
  using store = Store.open(databasePath(workdir), { readonly: true });
  // Compared as written: a default may depend on the machine or on the version.
  const stored = asWritten(store, workdir) ?? filled(experimentOf(store), experiment);
  const moved: Record<string, string> = {};
  for (const key of movable) {
    const [before, now] = [stored, experiment].map((each) => valueAt(each, key.split('.')));
    if (typeof before === 'string' && typeof now === 'string') moved[key] = now;
  }
  const differing = differences(stored, experiment).filter((key) => !mayDiffer.test(key) && !(key in moved));
  if (differing.length === 0) return moved;
  const more = differing.every((key) => key === 'search.trials' || key === 'search.stop.trials');
  throw invalidInput(`${workdir} holds a run of another experiment (it differs in ${differing.join(', ')})`, {
    hint: more
      ? 'nas resume with --trials gives the old run more trials; or choose another folder with --workdir, or throw it away with --fresh.'
      : 'Choose another folder with --workdir, continue the old run with nas resume, or throw it away with --fresh.',
  });
}

/** The experiment with files elsewhere; the same one when none is. @throws NasError `invalid-input` for a key that it does not have */
export function withPaths<E extends Experiment>(experiment: E, moved: Moved): E {
  if (Object.entries(moved).every(([key, path]) => valueAt(experiment, key.split('.')) === path)) return experiment;
  const placed = structuredClone(experiment);
  for (const [key, path] of Object.entries(moved)) {
    const keys = key.split('.');
    const parent = valueAt(placed, keys.slice(0, -1));
    const last = keys[keys.length - 1];
    if (!isMap(parent) || typeof parent[last] !== 'string')
      throw invalidInput(`${key}: the experiment of the run names no file there`);
    parent[last] = path;
  }
  return placed;
}

/** The experiment of a stored run: its values as they were when the run began, later keys by their defaults. */
export function storedExperiment(store: Store, workdir: string): Experiment {
  const settled = experimentOf(store);
  return filled(settled, asWritten(store, workdir) ?? settled) as Experiment;
}

/** What the user of a stored run wrote, parsed on this machine by this version; undefined for runs of programs. */
function asWritten(store: Store, workdir: string): Experiment | undefined {
  const written = writtenOf(store);
  return written === undefined ? undefined : parsedAgain(written, workdir).experiment;
}

function writtenOf(store: Store): unknown {
  // Stored when the run began.
  const [{ detail }] = store.events.of('created');
  return (detail as { readonly written?: unknown }).written;
}

const parsedAgain = (written: unknown, workdir: string): LoadedExperiment =>
  parseExperiment(`${databasePath(workdir)} (the experiment as it was written)`, JSON.stringify(written), {
    checkFiles: false,
    positions: false,
  });

/** The experiment of a stored run as the user wrote it. @throws NasError `invalid-input` as for any experiment */
export const writtenIn = (store: Store, workdir: string): LoadedExperiment => parsedAgain(writtenOf(store), workdir);

/** A value with the keys that only `defaults` has; maps of different types stay as they are. */
function filled(value: unknown, defaults: unknown): unknown {
  if (!isMap(value) || !isMap(defaults) || value['type'] !== defaults['type']) return value;
  const keys = new Set([...Object.keys(defaults), ...Object.keys(value)]);
  return Object.fromEntries(
    [...keys].map((key) => [key, key in value ? filled(value[key], defaults[key]) : defaults[key]]),
  );
}

/** The key paths at which two values differ. */
export function differences(before: unknown, now: unknown, path = ''): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isMap(before) || !isMap(now)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...keys].flatMap((key) => differences(before[key], now[key], path === '' ? key : `${path}.${key}`));
}

/**
 * The experiment of a run with another number of trials: `+20` more, or `70` in all. Observes a note whether the result
 * equals that of a run that had this many from the start.
 * @throws NasError `invalid-input` when the text is neither, the run has asked for more already, or its hours are over.
 */
export function withMoreTrials(experiment: Experiment, text: string, store: Store, observe: RunObserver): Experiment {
  const { search } = experiment;
  const asked = store.overview.count();
  const trials = text.startsWith('+') ? search.trials + Number(text) : Number(text);
  if (!/^\+?\d+$/.test(text) || Number(text) === 0 || !Number.isSafeInteger(trials))
    throw invalidInput(`--trials ${text}: expected a number of trials, such as 70, or of further ones, such as +20`);
  if (trials < asked)
    throw invalidInput(`--trials ${text}: the run has asked for ${asked} trials already`, {
      hint: 'Give at least as many, or further ones, such as +20.',
    });
  if (decidesTrials(store))
    throw invalidInput(`--trials ${text}: the budget of the run decides how many trials it has`, {
      hint: 'nas resume without --trials ends it in its time; more trials can follow then.',
    });
  if (trials === search.trials) return experiment;
  // No process works now: its time until now is what counts.
  if (outOfTime(experiment, store, () => 0)())
    throw invalidInput(`--trials ${text}: the ${search.stop?.hours ?? 0} hours of the search (search.stop) are over`, {
      hint: 'Begin another run with more of them; search.seed_from tries the frontier of this one first.',
    });
  const reasons = [
    ...(search.fidelity.type === 'none' ? [] : [`trials that ${search.fidelity.type} stopped at the end stay stopped`]),
    ...(search.order === 'delayed' ? [] : ['in asynchronous order, trials are asked from whatever has finished']),
    ...(typeof search.controller === 'string' ? [] : ['a controller of your own may do otherwise']),
  ];
  const same =
    reasons.length === 0
      ? 'as if they had been asked for at first'
      : `not quite as if asked for at first: ${reasons.join('; ')}`;
  observe({ kind: 'note', message: `${trials} trials instead of ${search.trials}, ${same}` });
  const { stop } = search;
  return withSearch(experiment, { trials, ...(stop === undefined ? {} : { stop: { ...stop, trials } }) });
}

const withSearch = <E extends Experiment>(experiment: E, more: Pick<E['search'], 'trials'>): E => ({
  ...experiment,
  search: { ...experiment.search, ...more },
});
