import { FrontierArchive } from '../../../search/index.js';
import type { TrialRecord } from '../../../store/index.js';
import type { RunContext } from '../plan.js';
import type { FrontierPoint } from '../events.js';
import { candidatesOf, plainValues } from '../../stored/candidates.js';

/** Progress is told at most this often, in ms; trials of a table end by the thousand. */
const interval = 200;

/** How far a search is, and the frontier that it has found: counted as trials end, and told. */
export class SearchProgress {
  private readonly frontier: FrontierArchive<FrontierPoint & { readonly state: string }>;
  private complete = 0;
  private told = { done: -1, at: -Infinity };

  /**
   * @param ended trials that ended before the run went on.
   * @param clock in ms.
   */
  constructor(
    private readonly context: RunContext,
    ended: readonly TrialRecord[],
    private readonly clock: () => number = Date.now,
  ) {
    this.frontier = new FrontierArchive(context.plan.experiment.objectives);
    for (const trial of ended) this.count(trial);
  }

  /** Tells how many trials have finished a step (they count, although some will go on), unless it was told just now. */
  tell(done: number): void {
    if (this.clock() - this.told.at >= interval) this.tellNow(done);
  }

  /** Tells it at the end. */
  close(done: number): void {
    if (this.told.done !== done) this.tellNow(done);
  }

  private tellNow(done: number): void {
    this.told = { done, at: this.clock() };
    const { trials: total, fidelity } = this.context.plan.experiment.search;
    const detail = fidelity.type === 'none' ? {} : { detail: `${this.complete} to the end` };
    this.context.observe({ kind: 'progress', phase: 'search', done, total, unit: 'trials', ...detail });
  }

  /** A trial has ended. */
  ended(trial: TrialRecord, done: number): void {
    const changed = this.count(trial);
    this.tell(done);
    if (!changed) return;
    const members = this.frontier.members.map(({ number, precision, values }) => ({
      number,
      values,
      ...(precision === undefined ? {} : { precision }),
    }));
    this.context.observe({ kind: 'frontier', members });
  }

  /** @returns whether the frontier changed. */
  private count(trial: TrialRecord): boolean {
    const { number, state, variants } = trial;
    if (state === 'complete') this.complete++;
    // A trial may be on the frontier in each precision that is accepted.
    const joined = candidatesOf(trial).map(({ precision, values }) => {
      const known = variants.length === 0 ? {} : { precision };
      return this.frontier.insert({ number, state, values: plainValues(values), ...known });
    });
    return joined.includes(true);
  }
}
