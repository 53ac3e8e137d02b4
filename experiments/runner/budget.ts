import { invalidInput } from '../../base/errors.js';
import type { Clock, Store } from '../../store/index.js';
import type { Experiment } from '../schema/experiment.js';
import type { RunObserver } from './events.js';

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
