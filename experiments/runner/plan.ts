import { availableParallelism } from 'node:os';
import type { DecisionSpace, Space, Task } from '../../spaces/index.js';
import type { Clock, Store } from '../../store/index.js';
import type { DatasetInfo, DatasetRef, EngineChoice, ProxyName, SupernetConfig } from '../../trainers/index.js';
import type { SourceKind } from '../schema/measures.js';
import type { Experiment, TableExperiment, TrainingExperiment } from '../schema/experiment.js';
import type { TableResults } from '../models/table-results.js';
import type { Simulation } from './evaluators/simulation.js';
import type { CandidateNetworks } from './candidate-networks.js';
import type { RunObserver } from './events.js';
import type { JobRunner } from './jobs/job-runner.js';

/** What does not change while a run goes, whatever evaluates its candidates. */
interface RunPlan {
  readonly experiment: Experiment;
  readonly workdir: string;
  readonly space: DecisionSpace;
}

/** The supernet of a run: to be trained by it, or trained by another. */
export interface SupernetPlan {
  readonly config: SupernetConfig;
  /** Decides everything random about it. */
  readonly seed: number;
  /** File of its weights, where another run trained it. */
  readonly file: string | null;
}

/** A run that trains networks. */
export interface TrainingPlan extends RunPlan {
  readonly kind: 'training';
  readonly experiment: TrainingExperiment;
  readonly dataset: DatasetRef;
  readonly data: DatasetInfo;
  readonly task: Task;
  readonly space: Space;
  /** What trains: settled once, for all workers. */
  readonly engine: EngineChoice;
  /** Threads of each training worker; part of what makes results repeat. */
  readonly threads: number;
  /** Whether latencies may stand beside those that were measured on another device, or otherwise. */
  readonly acceptEnvironment: boolean;
  /** Null: its networks share no weights. */
  readonly supernet: SupernetPlan | null;
  /** Threads of the teacher's and the supernet's preparation (`preparationThreads`). */
  readonly teacherThreads: number;
  /** What makes the objectives' values. */
  readonly sources: ReadonlySet<SourceKind>;
  /** Zero-cost proxies of every trial: those among the objectives, and those that the controller learns from. */
  readonly proxies: readonly ProxyName[];
}

/** A run that looks its candidates up in a table. */
export interface TablePlan extends RunPlan {
  readonly kind: 'table';
  readonly experiment: TableExperiment;
  readonly results: TableResults;
  /** The time that evaluations take, and that the store records. */
  readonly simulation: Simulation;
}

/** Everything about a run that does not change while it goes. */
export type Plan = TrainingPlan | TablePlan;

/** The clock by which a run's times are recorded: ms since 1970. */
export const clockOf = (plan: Plan): Clock => (plan.kind === 'table' ? plan.simulation.now : Date.now);

/**
 * The experiment with as many workers as its engine wants where nobody says how many: one on an accelerator here, whose memory
 * several would share; how much faster they are together, `npm run bench:parallel -- --provider webgpu` tells.
 */
export const withWorkersFor = (engine: EngineChoice, experiment: TrainingExperiment): TrainingExperiment =>
  engine.type === 'eager' || engine.provider === 'cpu' || engine.untried === true
    ? experiment
    : { ...experiment, search: { ...experiment.search, parallel: 1 } };

/** A controller learns too little from results that come when so much of the search has already been asked for. */
const leastRounds = 8;
/** Of a short search, so many trials at once do all the same. */
const alwaysAtOnce = 8;

/**
 * The experiment with as many trials at once as the workers of its queue have slots, where nobody says how many: at most an
 * eighth of the trials, or eight. Without workers (yet) it stays what this machine would do.
 * @param slots null: there is no queue
 */
export function withParallelFor<E extends Experiment>(slots: number | null, experiment: E): E {
  if (slots === null || slots === 0) return experiment;
  const { search } = experiment;
  const most = Math.max(alwaysAtOnce, Math.floor(search.trials / leastRounds));
  return { ...experiment, search: { ...search, parallel: Math.min(slots, most) } };
}

/**
 * The threads of each worker when the experiment does not say: the cores, shared among the workers; with a queue one, as
 * its workers have a slot for each core.
 */
export const defaultThreads = ({ engine, search, workers }: TrainingExperiment): number =>
  engine.threads ?? (workers.type === 'queue' ? 1 : Math.max(1, Math.floor(availableParallelism() / search.parallel)));

/** The threads of what has all workers to itself: all cores; with a queue it has one slot of some worker. */
export const preparationThreads = ({ engine, workers }: TrainingExperiment): number =>
  engine.threads ?? (workers.type === 'queue' ? 1 : availableParallelism());

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
  readonly candidates: CandidateNetworks;
}
