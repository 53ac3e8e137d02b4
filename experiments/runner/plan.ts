import { availableParallelism } from 'node:os';
import { createSpace, type DecisionSpace, type Space, type Task } from '../../spaces/index.js';
import type { Clock } from '../../store/index.js';
import { describeDataset, type DatasetInfo, type DatasetRef, type ProxyName } from '../../trainers/index.js';
import { measureNamed, type SourceKind } from '../measures.js';
import type { Experiment, TableExperiment, TrainingExperiment } from '../schema.js';
import type { TableResults } from '../table-results.js';
import type { Simulation } from './loop/simulation.js';

/** What does not change while a run goes, whatever evaluates its candidates. */
export interface RunPlan {
  readonly experiment: Experiment;
  readonly workdir: string;
  readonly space: DecisionSpace;
}

/** A run that trains networks. */
export interface TrainingPlan extends RunPlan {
  readonly kind: 'training';
  readonly experiment: TrainingExperiment;
  readonly dataset: DatasetRef;
  readonly data: DatasetInfo;
  readonly task: Task;
  readonly space: Space;
  /** Threads of each training worker; part of what makes results repeat. */
  readonly threads: number;
  /** Whether latencies may stand beside those that were measured on another device, or otherwise. */
  readonly acceptEnvironment: boolean;
  /** Threads of the teacher's preparation, which has the machine for itself. */
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

export interface PlanInput {
  readonly experiment: TrainingExperiment;
  readonly workdir: string;
  readonly dataset: DatasetRef;
  readonly threads: number;
  readonly acceptEnvironment?: boolean;
}

export async function makePlan(input: PlanInput): Promise<TrainingPlan> {
  const { experiment, workdir, dataset, threads, acceptEnvironment = false } = input;
  const data = describeDataset(dataset);
  const task: Task = { input: [data.height, data.width, data.channels], classes: data.classes.length };
  const space = await createSpace(experiment.space, task);
  const made = experiment.objectives.flatMap(({ name }) => measureNamed(name)?.source ?? []);
  const sources = new Set(made.map(({ kind }) => kind));
  const objectives = made.flatMap((source) => (source.kind === 'proxy' ? [source.proxy] : []));
  const proxies = [...new Set([...objectives, ...(experiment.search.features?.proxies ?? [])])];
  const teacherThreads = experiment.engine.threads ?? availableParallelism();
  const shared = { kind: 'training', experiment, workdir, dataset, data, task, space } as const;
  return { ...shared, threads, acceptEnvironment, teacherThreads, sources, proxies };
}

/** The threads of each worker when the experiment does not say: the cores, shared among the workers. */
export const defaultThreads = ({ engine, search }: TrainingExperiment): number =>
  engine.threads ?? Math.max(1, Math.floor(availableParallelism() / search.parallel));
