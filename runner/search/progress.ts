import { FrontierArchive } from '../../search/index.js';
import type { TrialRecord } from '../../store/index.js';
import { candidatesOf, plainValues } from '../stored/candidates.js';
import type { FrontierPoint } from '../events.js';
import type { RunContext } from '../plan.js';

/** Least time between two progress events, in ms; trials of a table end by the thousand. */
const interval = 200;

export class SearchProgress {
  private readonly frontier: FrontierArchive<FrontierPoint & { readonly state: string }>;
  private complete = 0;
  private reported = { done: -1, at: -Infinity };

  /**
   * @param ended trials that ended before the run was resumed.
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

  /** Reports how many trials have finished a step (some of them will continue), unless it has just done so. */
  report(done: number): void {
    if (this.clock() - this.reported.at >= interval) this.reportNow(done);
  }

  close(done: number): void {
    if (this.reported.done !== done) this.reportNow(done);
  }

  private reportNow(done: number): void {
    this.reported = { done, at: this.clock() };
    const { trials, fidelity } = this.context.plan.experiment.search;
    const total = this.context.budget?.trials ?? trials;
    const detail = fidelity.type === 'none' ? {} : { detail: `${this.complete} to the end` };
    this.context.observe({ kind: 'progress', phase: 'search', done, total, unit: 'trials', ...detail });
  }

  ended(trial: TrialRecord, done: number): void {
    const changed = this.count(trial);
    this.report(done);
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
    // A trial may be on the frontier in each accepted precision.
    const joined = candidatesOf(trial).map(({ precision, values }) => {
      const known = variants.length === 0 ? {} : { precision };
      return this.frontier.insert({ number, state, values: plainValues(values), ...known });
    });
    return joined.includes(true);
  }
}
