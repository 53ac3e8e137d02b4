import type { Store } from '../../store/index.js';
import type { Candidates } from './loop/candidates.js';
import type { RunObserver } from './events.js';
import type { RunPlan, TrainingPlan } from './plan.js';
import type { JobRunner } from './jobs/job-runner.js';

/** What the parts of any run share. */
export interface RunContext {
  readonly plan: RunPlan;
  readonly store: Store;
  readonly observe: RunObserver;
  /** Whether the user has asked to stop. */
  readonly stopping: () => boolean;
  /** Whether the hours of the search are over; absent: it has as many as it needs. */
  readonly outOfTime?: () => boolean;
}

/** What the parts of a run that trains networks share. */
export interface TrainingContext extends RunContext {
  readonly plan: TrainingPlan;
  readonly jobs: JobRunner;
  readonly candidates: Candidates;
}
