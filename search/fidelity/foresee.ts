import type { Rung, Told } from '../controller.js';
import { HistoryFold } from '../history.js';
import type { Objective } from '../objective.js';
import { extrapolate } from './extrapolation.js';

/** Pairs that a regression needs; fewer are no more than a mean shift. */
const enough = 3;

/** The values of one objective after two shares of the training. */
interface Pair {
  readonly early: number;
  readonly late: number;
}

const meanGain = (pairs: readonly Pair[]): number =>
  pairs.length === 0 ? 0 : pairs.reduce((sum, { early, late }) => sum + late - early, 0) / pairs.length;

/** What a trial came to after each share of its training, the whole one included, if it got there. */
const stagesOf = ({ state, values, rungs = [] }: Told): readonly Rung[] =>
  state === 'complete' ? [...rungs, { share: 1, values }] : rungs;

/**
 * What trials that were trained in part would have come to, so that a controller learns from all trials alike: from one
 * rung to the next, the values that training changes follow the linear regression over the trials that have both (of
 * fewer than three, their mean gain), up to the whole training. Such a trial is told as complete, with these values.
 * Foreseen values grow more certain as trials are trained on; the same histories give the same.
 */
export class Foresight {
  private readonly learned: readonly Objective[];
  private kept = new Map<number, Told>();
  /** Whether any trial was trained in rungs. */
  private readonly inRungs = new HistoryFold<boolean>(false, (any, { rungs }) => any || rungs !== undefined);

  constructor(objectives: readonly Objective[]) {
    this.learned = objectives.filter(({ cost }) => cost === 'expensive');
  }

  /** The history, with foreseen values; the same object where there is nothing to foresee. */
  of(history: readonly Told[]): readonly Told[] {
    if (!this.inRungs.at(history)) return history;
    const stages = history.map(stagesOf);
    const shares = [...new Set(stages.flat().map(({ share }) => share))].sort((a, b) => a - b);
    const steps = this.learned.map(({ name }) =>
      shares.slice(0, -1).map((share, i) => pairsOf(stages, name, share, shares[i + 1])),
    );
    const kept = new Map<number, Told>();
    const foreseen = history.map((told) => {
      const last = told.state === 'pruned' ? told.rungs?.at(-1) : undefined;
      if (last === undefined) return told;
      const from = shares.indexOf(last.share);
      const values = { ...last.values };
      for (const [k, { name }] of this.learned.entries())
        values[name] = steps[k].slice(from).reduce(follow, last.values[name]);
      const before = this.kept.get(told.number);
      const same = before !== undefined && this.learned.every(({ name }) => before.values[name] === values[name]);
      const whole: Told = same ? before : { ...told, state: 'complete', values };
      kept.set(told.number, whole);
      return whole;
    });
    this.kept = kept;
    return foreseen;
  }
}

/** The trials that have values after both shares. */
const pairsOf = (stages: readonly (readonly Rung[])[], name: string, share: number, next: number): readonly Pair[] =>
  stages.flatMap((rungs) => {
    const early = rungs.find((rung) => rung.share === share)?.values[name];
    const late = rungs.find((rung) => rung.share === next)?.values[name];
    return early === undefined || late === undefined ? [] : [{ early, late }];
  });

const follow = (value: number, pairs: readonly Pair[]): number =>
  pairs.length < enough ? value + meanGain(pairs) : extrapolate(value, pairs).mean;
