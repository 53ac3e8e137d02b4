import { FrontierArchive } from '../../../search/index.js';
import type { TrialRecord } from '../../../store/index.js';
import type { RunContext } from '../context.js';
import type { FrontierPoint } from '../events.js';
import { plainValues } from './frontier.js';

/** How far a search is, and the frontier that it has found: counted as trials end, and told. */
export class SearchProgress {
  private readonly frontier: FrontierArchive<FrontierPoint & { readonly state: string }>;
  private complete = 0;

  /** @param ended trials that ended before the run went on. */
  constructor(
    private readonly context: RunContext,
    ended: readonly TrialRecord[],
  ) {
    this.frontier = new FrontierArchive(context.plan.experiment.objectives);
    for (const trial of ended) this.count(trial);
  }

  /** Tells how many trials have finished a step: they count, although some will go on. */
  tell(done: number): void {
    const { trials: total, fidelity } = this.context.plan.experiment.search;
    const detail = fidelity.type === 'none' ? {} : { detail: `${this.complete} to the end` };
    this.context.observe({ kind: 'progress', phase: 'search', done, total, unit: 'trials', ...detail });
  }

  /** A trial has ended. */
  ended(trial: TrialRecord, done: number): void {
    const changed = this.count(trial);
    this.tell(done);
    if (!changed) return;
    const members = this.frontier.members.map(({ number, values }) => ({ number, values }));
    this.context.observe({ kind: 'frontier', members });
  }

  /** @returns whether the frontier changed. */
  private count({ number, state, values }: TrialRecord): boolean {
    if (state === 'complete') this.complete++;
    return this.frontier.insert({ number, state, values: plainValues(values) });
  }
}
