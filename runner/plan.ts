import { availableParallelism } from 'node:os';
import type { DecisionSpace, Space, Task } from '../spaces/index.js';
import type { Clock, Store, TrialRecord } from '../store/index.js';
import type { DatasetInfo, DatasetRef, EngineChoice, SupernetConfig } from '../trainers/index.js';
import type { SourceKind } from '../experiments/schema/measures.js';
import type {
  Experiment,
  StudyExperiment,
  TableExperiment,
  TrainingExperiment,
} from '../experiments/schema/experiment.js';
import type { TableResults } from './models/table-results.js';
import type { CandidateNetworks } from './candidate-networks.js';
import type { Simulation } from './simulation.js';
import type { RunObserver } from './events.js';
import type { JobRunner } from './jobs/job-runner.js';

interface RunPlan {
  readonly experiment: Experiment;
  readonly workdir: string;
  readonly space: DecisionSpace;
  /** The clock by which times are recorded: ms since 1970. */
  readonly clock: Clock;
}

export interface SupernetPlan {
  readonly config: SupernetConfig;
  /** Decides everything random about it. */
  readonly seed: number;
  /** File of its weights, where another run trained it. */
  readonly file: string | null;
}

export interface TrainingPlan extends RunPlan {
  readonly kind: 'training';
  readonly experiment: TrainingExperiment;
  readonly dataset: DatasetRef;
  readonly data: DatasetInfo;
  readonly task: Task;
  readonly space: Space;
  /** One for all workers. */
  readonly engine: EngineChoice;
  /** Threads of each training worker; results repeat only with the same number. */
  readonly threads: number;
  /** Whether latencies of another device, or measured otherwise, may stand beside each other. */
  readonly acceptEnvironment: boolean;
  /** Folds of the cross-validation after the final training; null: there is none. */
  readonly folds: number | null;
  /** Null: its networks share no weights. */
  readonly supernet: SupernetPlan | null;
  /** Threads of the teacher's and the supernet's preparation (`preparationThreads`). */
  readonly teacherThreads: number;
  /** The sources of the objectives' values. */
  readonly sources: ReadonlySet<SourceKind>;
}

/** A run that looks its candidates up in a table. */
export interface TablePlan extends RunPlan {
  readonly kind: 'table';
  readonly experiment: TableExperiment;
  readonly results: TableResults;
  /** The time that evaluations take, and that the store records. */
  readonly simulation: Simulation;
}

/** A run whose candidates a program of the user evaluates. */
export interface StudyPlan extends RunPlan {
  readonly kind: 'study';
  readonly experiment: StudyExperiment;
  readonly task: Task;
  readonly space: Space;
}

/** Everything about a run that does not change while it goes. */
export type Plan = TrainingPlan | TablePlan | StudyPlan;

/** The time that a run has, and what it does with it. */
export interface TimeBudget {
  /** Seconds until the run is to end. */
  readonly left: number;
  /** Planned trials, by the pace so far. */
  readonly trials: number;
  /** Whether there is time for a further trial; undefined where the number of trials is settled. */
  mayAsk(): boolean | undefined;
  /** Stores that the search is over. */
  endSearch(observe: RunObserver): void;
  /**
   * The final training that ends in time, stored; undefined where it is settled already.
   * @param rounds the frontier, in the order of its trainings; a round begins when the one before has ended, whose best network teaches it
   */
  decideFinal(
    rounds: readonly (readonly TrialRecord[])[],
    observe: RunObserver,
  ): Pick<TrainingExperiment, 'final'> | undefined;
}

/** The parts of any run share these. */
export interface RunContext {
  readonly plan: Plan;
  readonly store: Store;
  readonly observe: RunObserver;
  readonly stopping: () => boolean;
  /** Whether the hours of the search are over; absent: they are not limited. */
  readonly outOfTime?: () => boolean;
  /** Absent: the run has none. */
  readonly budget?: TimeBudget | undefined;
}

/** The parts of a run that trains networks share these. */
export interface TrainingContext extends RunContext {
  readonly plan: TrainingPlan;
  readonly jobs: JobRunner;
  readonly candidates: CandidateNetworks;
}

/**
 * The experiment with the default number of workers for its engine: one on a local accelerator, whose memory several would
 * share. `npm run bench:parallel -- --provider webgpu` measures several.
 */
export const withWorkersFor = (engine: EngineChoice, experiment: TrainingExperiment): TrainingExperiment =>
  engine.type !== 'compiled' || engine.provider === 'cpu' || engine.untried === true
    ? experiment
    : { ...experiment, search: { ...experiment.search, parallel: 1 } };

/** A controller learns too little when more than one in this many trials is asked for at once. */
const leastRounds = 8;
/** A short search asks for this many at once anyway. */
const alwaysAtOnce = 8;

/**
 * The experiment with the default number of trials at once for a queue: one for each slot of its workers, at most an
 * eighth of the trials, or eight. Without workers (yet), the default of this machine stays.
 * @param slots null: there is no queue
 */
export function withParallelFor<E extends Experiment>(slots: number | null, experiment: E): E {
  if (slots === null || slots === 0) return experiment;
  const { search } = experiment;
  const most = Math.max(alwaysAtOnce, Math.floor(search.trials / leastRounds));
  return { ...experiment, search: { ...search, parallel: Math.min(slots, most) } };
}

/** Default threads of each worker: the cores, shared among the workers; one with a queue, whose workers have a slot a core. */
export const defaultThreads = ({ engine, search, workers }: TrainingExperiment): number =>
  engine.threads ?? (workers.type === 'queue' ? 1 : Math.max(1, Math.floor(availableParallelism() / search.parallel)));

/** Threads of jobs that have all workers to themselves: all cores; one with a queue. */
export const preparationThreads = ({ engine, workers }: TrainingExperiment): number =>
  engine.threads ?? (workers.type === 'queue' ? 1 : availableParallelism());
