import type { Connection } from './connection.js';
import type { Events } from './events.js';

/**
 * What is trained: candidates of the search, the frontier's networks on the full schedule, or these once more with the
 * rounding of 8 bits in their computation.
 */
export type TrialStage = 'search' | 'final' | 'quantize-aware';

/** When trainings began: one row for the first start of a training and one for every start after it. */
export class Attempts {
  private readonly insert;
  private readonly count;

  constructor(
    private readonly connection: Connection,
    private readonly events: Events,
  ) {
    this.insert = connection.prepare(
      'INSERT INTO attempts (stage, trial, attempt, started_at) VALUES ($stage, $trial, $attempt, $at)',
    );
    this.count = connection.prepare<{ attempts: number }>(
      'SELECT count(*) AS attempts FROM attempts WHERE stage = $stage AND trial = $trial',
    );
  }

  /** Records that a training begins (again). @returns which attempt this is, from 1. */
  start(stage: TrialStage, trial: number): number {
    return this.connection.write(() => {
      const attempt = this.made(stage, trial) + 1;
      this.insert.run({ stage, trial, attempt, at: this.connection.clock() });
      this.events.add({ kind: 'started', trial, detail: { stage, attempt } });
      return attempt;
    });
  }

  /** How many attempts there were. */
  made(stage: TrialStage, trial: number): number {
    return this.connection.read(() => this.count.get({ stage, trial })?.attempts ?? 0);
  }
}
