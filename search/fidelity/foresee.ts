import type { Rung, Told } from '../controller.js';
import { HistoryFold } from '../history.js';
import type { Objective } from '../objective.js';
import { Outlook } from './outlook.js';

/** What a trial came to after each share of its training, the whole one included, if it got there. */
const stagesOf = ({ state, values, rungs = [] }: Told): readonly Rung[] =>
  state === 'complete' ? [...rungs, { share: 1, values }] : rungs;

/**
 * What trials that were trained in part would have come to, so that a controller learns from all trials alike: such a
 * trial is told as complete, with the values that are expected of it at the end of its training. They grow more certain
 * as trials are trained on; the same histories give the same.
 */
export class Foresight {
  private readonly learned: readonly Objective[];
  private kept = new Map<number, Told>();
  /** Whether any trial was trained in rungs. */
  private readonly inRungs = new HistoryFold<boolean>(false, (any, { rungs }) => any || rungs !== undefined);

  constructor(private readonly objectives: readonly Objective[]) {
    this.learned = objectives.filter(({ cost }) => cost === 'expensive');
  }

  /** The history, with foreseen values; the same object where there is nothing to foresee. */
  of(history: readonly Told[]): readonly Told[] {
    if (!this.inRungs.at(history)) return history;
    const trials = history.map((told) => stagesOf(told).map(({ share: at, values }) => ({ at, values })));
    const shares = [...new Set(trials.flat().map(({ at }) => at))].sort((a, b) => a - b);
    const outlooks = this.learned.map(({ name }) => ({
      name,
      outlook: new Outlook(this.objectives, name, shares, trials),
    }));
    const kept = new Map<number, Told>();
    const foreseen = history.map((told) => {
      const last = told.state === 'pruned' ? told.rungs?.at(-1) : undefined;
      if (last === undefined) return told;
      const values = { ...last.values };
      const deviations: Record<string, number> = {};
      for (const { name, outlook } of outlooks)
        ({ mean: values[name], deviation: deviations[name] } = outlook.expect(last.share, last.values));
      const whole = this.again({ ...told, state: 'complete', values, deviations });
      kept.set(told.number, whole);
      return whole;
    });
    this.kept = kept;
    return foreseen;
  }

  /** What was told of a trial before, if it is still the same. */
  private again(told: Told): Told {
    const before = this.kept.get(told.number);
    if (before === undefined) return told;
    const { values, deviations = {} } = told;
    const same = this.learned.every(
      ({ name }) => before.values[name] === values[name] && before.deviations?.[name] === deviations[name],
    );
    return same ? before : told;
  }
}
