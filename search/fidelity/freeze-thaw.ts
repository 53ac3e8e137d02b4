import { groupBy } from '../../base/group.js';
import { feasible, toPoint } from '../frontier.js';
import { hypervolume } from '../hypervolume.js';
import { minimized, type Objective, type Values } from '../objective.js';
import { nonDominated, type Point } from '../pareto.js';
import { boxesOf, improvementOf, limitOf, type Belief } from '../surrogate/acquisition.js';
import { gaussian } from '../surrogate/warp.js';
import { LearningCurves, type Estimate } from './learning-curves.js';
import type { RungResult, Scheduler, SchedulerInput, SchedulerState } from './scheduler.js';

interface Options extends SchedulerInput {
  /** Epochs of the rungs, ascending. */
  readonly rungs: readonly number[];
  readonly eta: number;
  /** The least expected gain, as a share of the frontier's hypervolume, for which a trial is trained further. */
  readonly minGain: number;
}

const percent = (share: number): string =>
  share < 1e-4 ? 'less than 0.01 %' : `${Number((100 * Math.min(1, share)).toPrecision(2))} %`;

/** The element with the greatest measure; of equals, the first. */
function greatest<T>(all: readonly T[], measure: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (best, one) => (best === undefined || measure(one) > measure(best) ? one : best),
    undefined,
  );
}

/**
 * Freeze-thaw optimisation (Swersky et al. 2014) with several objectives: every trial pauses at its first rung. The one
 * that goes on has the greatest expected hypervolume improvement at the end of its training, for each epoch until then.
 * While trials are asked, at most one in eta of a rung goes on. Afterwards each trial goes on whose expected gain is at
 * least `minGain`; the others stop.
 */
export function freezeThaw({ objectives, rungs, epochs, eta, minGain }: Options): Scheduler {
  const trained = objectives.filter(({ cost }) => cost === 'expensive');
  const nextRung = (here: number): number => rungs[rungs.indexOf(here) + 1];

  const assess = (state: SchedulerState) => {
    const { results, whole, going, paused } = progressOf(state, epochs);
    const curves = results.map((own) => own.map(({ epochs: at, values }) => ({ at, values })));
    const models = trained.map(({ name }) => ({ name, model: new LearningCurves(objectives, name, rungs, curves) }));
    const predicted = ({ epochs: at, values }: RungResult): PartialTrial => ({
      values,
      expected: Object.fromEntries(models.map(({ name, model }) => [name, model.predict(at, values)])),
    });
    const gains = expectedGains(objectives, {
      whole: whole.map(({ values }) => values),
      going: going.map(predicted),
      candidates: paused.map(predicted),
    });
    return {
      paused: paused.map((result, i) => ({ result, gain: gains[i] })),
      isFirst: whole.length + going.length === 0,
    };
  };

  const hasRoom = ({ results, steps }: SchedulerState, here: number): boolean => {
    const reached = results.filter((result) => result.epochs === here).length;
    const promoted = steps.filter((step) => step.epochs === nextRung(here)).length;
    return promoted < Math.floor(reached / eta);
  };

  return {
    first: rungs[0],
    decide: (state) => {
      const { paused, isFirst } = assess(state);
      // Even the smallest search trains one trial to its end.
      const enough = isFirst && !state.mayAsk && state.isIdle ? 0 : minGain;
      const open = paused.filter(
        ({ gain, result }) => gain >= enough && (!state.mayAsk || hasRoom(state, result.epochs)),
      );
      const best = greatest(open, ({ gain, result }) => gain / (epochs - result.epochs));
      if (best !== undefined) {
        const { trial, epochs: here } = best.result;
        const reason = `promises ${percent(best.gain)} of the frontier after ${here} of ${epochs} epochs`;
        return { kind: 'promote', trial, epochs: nextRung(here), reason };
      }
      if (state.mayAsk) return { kind: 'ask' };
      const left = state.isIdle ? paused.at(0) : undefined;
      if (left === undefined) return undefined;
      const { trial, epochs: here } = left.result;
      const reason = `stopped after ${here} of ${epochs} epochs: promises ${percent(left.gain)} of the frontier`;
      return { kind: 'stop', trial, reason };
    },
  };
}

/** All results by trial, and the latest result of each trial that is complete, in training, or paused at a rung. */
function progressOf({ results, steps, ended }: SchedulerState, epochs: number) {
  const byTrial = groupBy(results, ({ trial }) => trial);
  const target = new Map(steps.map(({ trial, epochs: to }) => [trial, to]));
  const latest = [...byTrial.values()].flatMap((own) => own.slice(-1));
  const isGoing = ({ trial, epochs: here }: RungResult): boolean => (target.get(trial) ?? here) > here;
  const unfinished = latest.filter(({ trial, epochs: here }) => here < epochs && !ended.has(trial));
  return {
    results: [...byTrial.values()],
    whole: latest.filter(({ epochs: here }) => here === epochs),
    going: unfinished.filter(isGoing),
    paused: unfinished.filter((result) => !isGoing(result)),
  };
}

/** A partly trained trial: its values now, and predicted final values of the objectives that training changes. */
export interface PartialTrial {
  readonly values: Values;
  readonly expected: Readonly<Record<string, Estimate>>;
}

const meansOf = ({ values, expected }: PartialTrial): Values => ({
  ...values,
  ...Object.fromEntries(Object.entries(expected).map(([name, { mean }]) => [name, mean])),
});

interface TrialsByProgress {
  /** Values of completely trained trials. */
  readonly whole: readonly Values[];
  /** In training; they count with their predicted means. */
  readonly going: readonly PartialTrial[];
  readonly candidates: readonly PartialTrial[];
}

/**
 * The expected hypervolume improvement of each candidate (Emmerich et al. 2006), as a share of the hypervolume of all
 * trials' predicted means; 0 when its values are not numbers.
 */
export function expectedGains(
  objectives: readonly Objective[],
  { whole, going, candidates }: TrialsByProgress,
): number[] {
  const complete = (values: Values) => ({ state: 'complete', values });
  const points = feasible([...whole, ...going.map(meansOf)].map(complete), objectives).map(({ point }) => point);
  const toPoints = (candidate: PartialTrial): Point[] => {
    const point = toPoint(objectives, meansOf(candidate));
    return point === undefined ? [] : [point];
  };
  const all = [...points, ...candidates.flatMap(toPoints)];
  const reference = objectives.map((objective, k): number => {
    const column = all.map((point) => point[k]);
    const [low, high] = [Math.min(...column), Math.max(...column)];
    return Math.min(high + 0.1 * (high - low || Math.abs(high) || 1), limitOf(objective));
  });
  const front: Point[] = nonDominated(points).map((i) => points[i]);
  const beliefs = objectives.map((objective): Belief => {
    const { name, cost } = objective;
    if (cost !== 'expensive')
      return {
        kind: 'known',
        values: Float64Array.from(candidates, ({ values }) => minimized(objective, values[name])),
      };
    const expected = candidates.map((candidate) => candidate.expected[name]);
    return {
      kind: 'modelled',
      warp: gaussian,
      mean: Float64Array.from(expected, ({ mean }) => minimized(objective, mean)),
      variance: Float64Array.from(expected, ({ deviation }) => deviation ** 2),
    };
  });
  const improvement = improvementOf(boxesOf(front, reference), beliefs);
  const volume = hypervolume(all, reference) || Infinity;
  return candidates.map((_, i) => improvement(i) / volume || 0);
}
