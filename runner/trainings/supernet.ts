import { mainScores, scoreText } from '../../base/scores.js';
import { taskOf } from '../../experiments/schema/measures.js';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { invalidInput, NasError } from '../../base/errors.js';
import { canonicalJson } from '../../base/hash.js';
import { epochsText } from '../../base/number-text.js';
import { memberOf, type Genotype, type Space, type SpaceConfig } from '../../spaces/index.js';
import { Store } from '../../store/index.js';
import type { DataConfig, DatasetInfo, InitialWeights, MemberJob, PreparedTeacher } from '../../trainers/index.js';
import { isOwnSupernet, isTrainingExperiment } from '../../experiments/schema/run-experiment.js';
import type { Locating } from '../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { experimentOf } from '../stored/experiment.js';
import { databasePath, hasRun, supernetFolder, weightsFile } from '../stored/workdir.js';
import { phaseTraining, resultOfPart } from './training.js';
import type { SupernetPlan, TrainingContext, TrainingPlan } from '../plan.js';
import { differences } from '../stored-experiment.js';

interface PlanContext {
  readonly space: Space;
  /** Null while the data set is not converted: whether a supernet was trained on it is then not checked. */
  readonly data: DatasetInfo | null;
  readonly locating: Locating;
}

/**
 * The supernet of an experiment; null when it has none.
 * @throws NasError `invalid-input` when members of the space share no weights, or another run's supernet is of another space;
 *   `inputs-changed` when that was trained on other data.
 */
export async function planSupernet(
  experiment: TrainingExperiment,
  { space, data, locating }: PlanContext,
): Promise<SupernetPlan | null> {
  const { supernet, seed } = experiment;
  if (supernet === undefined) return null;
  const first = space.decisions.map(() => 0);
  await locating(['space'], () => memberOf(space, first));
  if (isOwnSupernet(supernet)) return { config: supernet, seed, file: null };
  const trained = await locating(['supernet', 'from'], () => fitting(supernet.from, experiment, data));
  return { config: trained.config, seed: trained.seed, file: trained.file };
}

/** The supernet of another run; checks that it was trained for the space and the data of the experiment. */
function fitting(workdir: string, experiment: TrainingExperiment, data: DatasetInfo | null): TrainedSupernet {
  const found = trainedSupernet(workdir);
  const hint = 'A supernet serves experiments with the space and the data that it was trained for.';
  if (canonicalJson(found.space) !== canonicalJson(experiment.space)) {
    const where = listed(found.space, experiment.space, 'space');
    throw invalidInput(`the supernet of ${workdir} is of another space: ${where}`, { hint });
  }
  if (data !== null && found.trained.data !== data.hash) {
    const where = listed(found.data, experiment.data, 'data');
    throw new NasError('inputs-changed', `the supernet of ${workdir} was trained on other data: ${where}`, { hint });
  }
  return found;
}

const listed = (before: unknown, now: unknown, root: string): string => {
  const keys = differences(before, now, root);
  return keys.length === 0 ? 'the files have other content' : `it differs in ${keys.join(', ')}`;
};

/** Detail of the event `supernet-trained`. */
const trainedSchema = z.object({
  /** Content hash of the data set, splits included. */
  data: z.string(),
  /** Of the weights' file. */
  sha256: z.string(),
});
type TrainedDetail = z.output<typeof trainedSchema>;

/** Its seed is of the run that trained it: it also decides the images that members are calibrated on. */
interface TrainedSupernet extends PreparedSupernet {
  readonly space: SpaceConfig;
  readonly data: DataConfig;
  readonly trained: TrainedDetail;
}

/** The detail of a run's trained supernet; null until it is trained. */
function trainedDetail(store: Store): TrainedDetail | null {
  const event = store.events.of('supernet-trained').at(-1);
  return event === undefined ? null : trainedSchema.parse(event.detail);
}

/** The file of a run's shared weights; where it would be when the run is gone. */
export function sharedWeights(workdir: string): string {
  try {
    return trainedSupernet(workdir).file;
  } catch (error) {
    if (!(error instanceof NasError)) throw error;
    return join(workdir, supernetFolder, weightsFile);
  }
}

/**
 * The supernet of a run, or the one that it took from another run.
 * @throws NasError `invalid-input` when there is no run, it has no supernet, or has not trained it to its end.
 */
export function trainedSupernet(workdir: string): TrainedSupernet {
  if (!hasRun(workdir)) throw invalidInput(`${workdir} holds no run; expected a workdir of nas run`);
  using store = Store.open(databasePath(workdir), { readonly: true });
  const experiment = experimentOf(store);
  const supernet = isTrainingExperiment(experiment) ? experiment.supernet : undefined;
  if (!isTrainingExperiment(experiment) || supernet === undefined)
    throw invalidInput(`the run in ${workdir} has no supernet`, {
      hint: 'Give the workdir of a run whose experiment has supernet.',
    });
  if (!isOwnSupernet(supernet)) return trainedSupernet(supernet.from);
  const file = join(workdir, supernetFolder, weightsFile);
  const trained = trainedDetail(store);
  if (trained === null || !existsSync(file))
    throw invalidInput(`the supernet of ${workdir} is not trained to its end`, {
      hint: `nas resume ${workdir} trains it on.`,
    });
  const { seed, space, data } = experiment;
  return { file, config: supernet, seed, space, data, trained };
}

/** Shared weights, ready to take slices from. */
export type PreparedSupernet = SupernetPlan & { readonly file: string };

interface SupernetInputs {
  readonly teacher: PreparedTeacher | null;
  /** File of weights by shared name to start from; undefined: random ones. */
  readonly initial: string | undefined;
}

/**
 * The supernet of a run; trained to its end first, from its checkpoint when there is one.
 * @param inputs prepares the inputs of its training; called only where it is trained.
 * @throws NasError `interrupted` when the user stopped the run before its end; `failure` when its training failed.
 */
export async function prepareSupernet(
  context: TrainingContext,
  plan: SupernetPlan,
  inputs: () => Promise<SupernetInputs>,
): Promise<PreparedSupernet> {
  return { ...plan, file: plan.file ?? (await trainSupernet(context, plan, await inputs())) };
}

async function trainSupernet(
  context: TrainingContext,
  { config, seed }: SupernetPlan,
  { teacher, initial }: SupernetInputs,
): Promise<string> {
  const { plan, observe } = context;
  const { dataset, task, workdir, experiment } = plan;
  observe({ kind: 'phase', name: 'supernet', message: `Training the supernet (${epochsText(config.epochs)})` });
  const supernet = {
    space: experiment.space,
    task,
    seed,
    config,
    dataset,
    teacher,
    initial,
    engine: plan.engine,
    threads: plan.teacherThreads,
    directory: join(workdir, supernetFolder),
  };
  const order = { id: 'supernet', job: { kind: 'supernet', supernet }, sharing: 'shared' } as const;
  const { listener, record } = phaseTraining(context, 'supernet', { stage: 'supernet' }, config);
  const result = await resultOfPart(context, order, listener);
  if (result.state !== 'complete') throw new NasError('interrupted', 'the training of the supernet was stopped');
  result.curve.forEach(record);
  recordTrained(context, result.weights);
  const learns = taskOf(experiment.data);
  observe({
    kind: 'note',
    message: `The supernet is trained: its largest network has a validation ${mainScores[learns].title} of ${scoreText(learns, result.accuracy)}`,
  });
  return result.weights;
}

/** Stores, once, that the supernet is trained: other runs that take it look for this. */
function recordTrained({ store, plan }: TrainingContext, file: string): void {
  if (trainedDetail(store) !== null) return;
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex');
  const path = [supernetFolder, weightsFile].join('/').replaceAll('\\', '/');
  store.transaction(() => {
    store.artifacts.add({ stage: 'supernet' }, { kind: 'weights', path, sha256, bytes: statSync(file).size });
    store.events.add({ kind: 'supernet-trained', detail: { data: plan.data.hash, sha256 } });
  });
}

/** A network's part of shared weights, for a training to begin with. */
export const sliceOf = (space: Space, { file }: PreparedSupernet, genotype: Genotype): InitialWeights => ({
  file,
  places: memberOf(space, genotype).places,
});

/** The evaluation of a network's slice without training, after calibration. */
export function memberJob(
  { space, dataset, engine, threads }: Pick<TrainingPlan, 'space' | 'dataset' | 'engine' | 'threads'>,
  { file, config, seed }: PreparedSupernet,
  genotype: Genotype,
): MemberJob {
  const { augment, class_sampling: classSampling, batch, calibration } = config;
  const member = memberOf(space, genotype);
  return { member, weights: file, dataset, augment, classSampling, batch, calibration, seed, engine, threads };
}
