import { type Expected, Outlook } from './learning-curves.js';
import type { RungResult, Scheduler, SchedulerInput, Standing } from './scheduler.js';
import { feasible, toPoint } from '../frontier.js';
import { hypervolume } from '../hypervolume.js';
import type { Objective, Values } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { type Belief, boxesOf, improvementOf, limitOf } from '../surrogate/acquisition.js';
import { gaussian } from '../surrogate/warp.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
  /** What a trial has to promise to be trained on, as a share of the frontier's hypervolume. */
  readonly minGain: number;
}

interface Frozen {
  readonly result: RungResult;
  /** What the rest of its training is expected to add to the frontier, as a share. */
  readonly worth: number;
}

const percent = (share: number): string =>
  share < 1e-4 ? 'less than 0.01 %' : `${Number((100 * Math.min(1, share)).toPrecision(2))} %`;

/** The greatest by a measure; of equals, the first. */
function greatest<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || measure(one) > measure(best) ? one : best),
    undefined,
  );
}

/**
 * Freezes every trial at its first rung, and thaws the one that promises most: the greatest hypervolume improvement to be
 * expected of the end of its training, for each epoch until then (freeze-thaw optimisation, Swersky et al. 2014, with
 * several objectives). As long as trials are asked, at most one in eta of a rung goes on; afterwards every one does that
 * promises `minGain` or more, and the others are stopped.
 */
export function freezeThaw({ objectives, rungs, epochs, eta, minGain }: Options): Scheduler {
  const learned = objectives.filter(({ cost }) => cost === 'expensive');

  const look = (standing: Standing): { readonly paused: readonly Frozen[]; readonly first: boolean } => {
    const { stages, whole, going, paused } = progressOf(standing, epochs);
    const trials = stages.map((own) => own.map(({ epochs: at, values }) => ({ at, values })));
    const outlooks = learned.map(({ name }) => ({ name, outlook: new Outlook(objectives, name, rungs, trials) }));
    const contenderOf = ({ epochs: at, values }: RungResult): Contender => ({
      values,
      expected: Object.fromEntries(outlooks.map(({ name, outlook }) => [name, outlook.expect(at, values)])),
    });
    const worth = worthOf(objectives, {
      whole: whole.map(({ values }) => values),
      going: going.map(contenderOf),
      candidates: paused.map(contenderOf),
    });
    return {
      paused: paused.map((result, i) => ({ result, worth: worth[i] })),
      first: whole.length + going.length === 0,
    };
  };

  const nextRung = (here: number): number => rungs[rungs.indexOf(here) + 1];

  const hasRoom = ({ results, steps }: Standing, here: number): boolean => {
    const reached = results.filter((result) => result.epochs === here).length;
    const sentOn = steps.filter((step) => step.epochs === nextRung(here)).length;
    return sentOn < Math.floor(reached / eta);
  };

  return {
    first: rungs[0],
    decide: (standing) => {
      const { paused, first } = look(standing);
      // Even the smallest search has a trial that was trained to its end.
      const enough = first && !standing.mayAsk && standing.settled ? 0 : minGain;
      const open = paused.filter(
        ({ worth, result }) => worth >= enough && (!standing.mayAsk || hasRoom(standing, result.epochs)),
      );
      const best = greatest(open, ({ worth, result }) => worth / (epochs - result.epochs));
      if (best !== undefined) {
        const { trial, epochs: here } = best.result;
        const reason = `promises ${percent(best.worth)} of the frontier after ${here} of ${epochs} epochs`;
        return { kind: 'promote', trial, epochs: nextRung(here), reason };
      }
      if (standing.mayAsk) return { kind: 'ask' };
      const left = standing.settled ? paused.at(0) : undefined;
      if (left === undefined) return undefined;
      const { trial, epochs: here } = left.result;
      const reason = `stopped after ${here} of ${epochs} epochs: promises ${percent(left.worth)} of the frontier`;
      return { kind: 'stop', trial, reason };
    },
  };
}

/** How far the trials of a search are; of each its latest result that is known. */
interface Progress {
  /** The results of each trial, by ascending epochs. */
  readonly stages: readonly (readonly RungResult[])[];
  /** Trained to their end. */
  readonly whole: readonly RungResult[];
  /** On their way to the next rung. */
  readonly going: readonly RungResult[];
  /** At a rung, neither sent on nor stopped. */
  readonly paused: readonly RungResult[];
}

/** @param epochs of a whole training. */
function progressOf({ results, steps, ended }: Standing, epochs: number): Progress {
  const stages = new Map<number, RungResult[]>();
  for (const result of results) {
    const own = stages.get(result.trial);
    if (own === undefined) stages.set(result.trial, [result]);
    else own.push(result);
  }
  const sentTo = new Map(steps.map(({ trial, epochs: to }) => [trial, to]));
  const latest = [...stages.values()].flatMap((own) => own.slice(-1));
  const isGoing = ({ trial, epochs: here }: RungResult): boolean => (sentTo.get(trial) ?? here) > here;
  const unfinished = latest.filter(({ trial, epochs: here }) => here < epochs && !ended.has(trial));
  return {
    stages: [...stages.values()],
    whole: latest.filter(({ epochs: here }) => here === epochs),
    going: unfinished.filter(isGoing),
    paused: unfinished.filter((result) => !isGoing(result)),
  };
}

/** A trial that may be trained on: what its values would be at the end; `expected` of those that training changes. */
export interface Contender {
  readonly values: Values;
  readonly expected: Readonly<Record<string, Expected>>;
}

const turned = ({ direction }: Objective, value: number): number => (direction === 'minimize' ? value : -value);

/** Values with what is expected in place of what training changes. */
const meansOf = ({ values, expected }: Contender): Values => ({
  ...values,
  ...Object.fromEntries(Object.entries(expected).map(([name, { mean }]) => [name, mean])),
});

/** The trials of a search, by how far they are. */
interface Field {
  /** Values of those that were trained to their end. */
  readonly whole: readonly Values[];
  /** On their way there, and taken to come to what is expected of them. */
  readonly going: readonly Contender[];
  readonly candidates: readonly Contender[];
}

/**
 * What each candidate is expected to add to the hypervolume of the frontier (Emmerich et al. 2006), as a share of what all
 * together are expected to come to; 0 when its values are not numbers.
 */
export function worthOf(objectives: readonly Objective[], { whole, going, candidates }: Field): number[] {
  const complete = (values: Values) => ({ state: 'complete', values });
  const points = feasible([...whole, ...going.map(meansOf)].map(complete), objectives).map(({ point }) => point);
  const all: Point[] = [...points];
  for (const candidate of candidates) {
    const point = toPoint(objectives, meansOf(candidate));
    if (point !== undefined) all.push(point);
  }
  const reference = objectives.map((objective, k): number => {
    const column = all.map((point) => point[k]);
    const [low, high] = [Math.min(...column), Math.max(...column)];
    return Math.min(high + 0.1 * (high - low || Math.abs(high) || 1), limitOf(objective));
  });
  const front: Point[] = nonDominated(points).map((i) => points[i]);
  const beliefs = objectives.map((objective): Belief => {
    const { name } = objective;
    if (objective.cost !== 'expensive')
      return { kind: 'known', values: Float64Array.from(candidates, ({ values }) => turned(objective, values[name])) };
    const expected = candidates.map((candidate) => candidate.expected[name]);
    return {
      kind: 'modelled',
      warp: gaussian,
      mean: Float64Array.from(expected, ({ mean }) => turned(objective, mean)),
      variance: Float64Array.from(expected, ({ deviation }) => deviation ** 2),
    };
  });
  const improvement = improvementOf(boxesOf(front, reference), beliefs);
  const volume = hypervolume(all, reference) || Infinity;
  return candidates.map((_, i) => improvement(i) / volume || 0);
}
