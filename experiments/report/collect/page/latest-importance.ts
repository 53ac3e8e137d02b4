import type { Store } from '../../../../store/index.js';
import type { ImportanceAnswer } from '../../../page/api.js';
import type { RunFacts } from './facts.js';
import { collectImportance } from './importance.js';

/** Of a run that goes on, what matters is computed anew once this part more of its trials is complete. */
const growth = 0.05;

interface Standing {
  readonly facts: RunFacts;
  /** The newest event. */
  readonly cursor: number;
  /** How many trials are complete. */
  readonly complete: number;
}

/** What matters in a run, as it was computed last: that holds the server for a second or two in a long run. */
export class LatestImportance {
  private latest: (Standing & { readonly answer: Promise<ImportanceAnswer> }) | undefined;

  /** Computes it where more has happened than it is worth; of a run that stands still, whenever anything has. */
  answer(store: Store, standing: Standing): Promise<ImportanceAnswer> {
    if (this.latest !== undefined && this.isGoodFor(store, standing, this.latest)) return this.latest.answer;
    const answer = collectImportance(store, standing.facts);
    const latest = (this.latest = { ...standing, answer });
    answer.catch(() => {
      if (this.latest === latest) this.latest = undefined;
    });
    return answer;
  }

  private isGoodFor(store: Store, now: Standing, latest: Standing): boolean {
    if (now.cursor === latest.cursor) return true;
    const isGoingOn = store.run.state().status === 'running';
    return isGoingOn && now.complete < (1 + growth) * latest.complete;
  }
}
