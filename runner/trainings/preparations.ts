import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { cacheDirectory } from '../../base/files.js';
import { canonicalJson, contentHash } from '../../base/hash.js';
import { mainScores, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import { memberOf, type Genotype } from '../../spaces/index.js';
import {
  CorruptFile,
  type Fold,
  lossSchema,
  type NetworkTeacher,
  readTensorFile,
  teacherSchedule,
  type InitialWeights,
  type PreparedTeacher,
  type TeacherNormalisation,
  type TrainConfig,
} from '../../trainers/index.js';
import { taughtAugment } from '../default-augment.js';
import { initialContent } from '../initial-weights/index.js';
import type { Initialisation } from '../../experiments/schema/experiment.js';
import { accuracyAmong, taskOf } from '../../experiments/schema/measures.js';
import type { TrialResult } from '../../search/index.js';
import { plainValues } from '../stored/candidates.js';
import { initialFile } from '../stored/workdir.js';
import type { TrainingContext } from '../plan.js';
import { Listening, untaught } from './listening.js';
import { prepareSupernet, sliceOf, type PreparedSupernet } from './supernet.js';
import { JobFailed, type JobOrder } from '../jobs/job-runner.js';
import type { TeacherJob } from '../jobs/jobs.js';
import { phaseTraining, resultOfPart } from './training.js';

/** The inputs of trainings, each prepared once in a run: the supernet, given weights, and teachers. */
export class Preparations {
  private readonly teachers = new Map<string, Promise<PreparedTeacher | null>>();
  private readonly listening: Listening;
  /** The teacher of the search's trainings, once it is prepared. */
  private searchTeacher: PreparedTeacher | null = null;
  /** The network of the frontier that teaches, once it is prepared. */
  private frontierTeacher: Promise<PreparedTeacher | null> | undefined;
  private preparedSupernet: Promise<PreparedSupernet> | undefined;
  private preparedWeights: Promise<InitialSource> | undefined;

  constructor(private readonly context: TrainingContext) {
    this.listening = new Listening(context);
  }

  /**
   * How a network is trained, and its teacher: by the labels alone, once students know more than the teacher.
   * @param trial of the search; absent: a final training
   * @param fold as `teacher`
   */
  async taught(
    train: TrainConfig,
    { trial, fold }: { readonly trial?: number; readonly fold?: Fold } = {},
  ): Promise<{ readonly train: TrainConfig; readonly teacher: PreparedTeacher | null }> {
    const own = await this.teacher(train);
    if (own === null) return { train, teacher: null };
    if (!this.listening.hears(own, trial)) return { train: untaught(train), teacher: null };
    return { train, teacher: fold === undefined ? own : await this.teacher(train, fold) };
  }

  /** How a network is trained that another network of the run teaches: by the labels alone, where that one gives no answers. */
  async taughtBy(
    network: NetworkTeacher,
    train: TrainConfig,
  ): Promise<{ readonly train: TrainConfig; readonly teacher: PreparedTeacher | null }> {
    const { experiment } = this.context.plan;
    const { label_smoothing } = train.loss ?? {};
    const loss = lossSchema.parse({ type: 'kd', label_smoothing });
    const taught = { ...train, loss, augment: taughtAugment(experiment, train) };
    const views = { ...taught, augment: experiment.train.augment };
    const teacher = await (this.frontierTeacher ??= answering(this.context, network, views));
    return teacher === null ? { train, teacher } : { train: taught, teacher };
  }

  /** Compares the teacher with the students whose results the decision about a trial may use. */
  compareWith(history: readonly TrialResult[], trial: number): void {
    if (this.searchTeacher === null) return;
    const values = history.flatMap(({ values: last, rungs = [] }) => [last, ...rungs.map((rung) => rung.values)]);
    const scores = values.flatMap((each) => accuracyAmong(each) ?? []);
    if (scores.length > 0) this.listening.compare(this.searchTeacher, scores, trial);
  }

  /** Compares the teacher with all students of the search. */
  async compareAtEnd(): Promise<void> {
    const { plan, store } = this.context;
    const { search, train, final } = plan.experiment;
    const config = search.evaluate === 'supernet' ? final : train;
    const teacher = config && (await this.teacher(config));
    const scores = store.trials.all().flatMap(({ values }) => accuracyAmong(plainValues(values)) ?? []);
    if (teacher !== null && scores.length > 0) this.listening.compare(teacher, scores);
  }

  /** Prepares the teacher of the search's trainings. */
  async prepareTeacher(): Promise<void> {
    this.searchTeacher = await this.teacher(this.context.plan.experiment.train);
  }

  /**
   * The teacher of a training. Trainings with the same loss and balance of classes share one teacher. It learns and answers with the
   * augmentation of the search's trainings.
   * @param fold whose images the training has: its teacher may not have learned from its validation images; default: none
   */
  teacher(train: TrainConfig, fold?: Fold): Promise<PreparedTeacher | null> {
    const { loss, class_weight, class_sampling } = train;
    const key = canonicalJson([loss, class_weight, class_sampling, fold]);
    const own = { ...train, augment: this.context.plan.experiment.train.augment };
    const prepared =
      this.teachers.get(key) ??
      (fold === undefined ? prepareTeacher(this.context, own) : foldTeacher(this.context, own, fold));
    this.teachers.set(key, prepared);
    return prepared;
  }

  supernet(): Promise<PreparedSupernet> {
    const { supernet } = this.context.plan;
    if (supernet === null) throw new Error('the run has no supernet');
    this.preparedSupernet ??= prepareSupernet(this.context, supernet, async () => ({
      teacher: await this.teacher(supernet.config),
      initial: await this.initialFile(),
    }));
    return this.preparedSupernet;
  }

  async start(from: Initialisation): Promise<void> {
    if (from === 'supernet') await this.supernet();
    if (from === 'weights') await this.weights();
  }

  /** The weights that the training of a network begins with; undefined: random ones. */
  async initial(from: Initialisation, genotype: Genotype): Promise<InitialWeights | undefined> {
    switch (from) {
      case 'supernet':
        return sliceOf(this.context.plan.space, await this.supernet(), genotype);
      case 'weights':
        return (await this.weights())(genotype);
      case 'nothing':
        return undefined;
    }
  }

  /** The file of given weights; undefined when none are given. */
  private async initialFile(): Promise<string | undefined> {
    const { experiment, workdir } = this.context.plan;
    if (experiment.initial === undefined) return undefined;
    await this.weights();
    return join(workdir, initialFile);
  }

  private weights(): Promise<InitialSource> {
    this.preparedWeights ??= prepareInitial(this.context);
    return this.preparedWeights;
  }
}

/** The job that prepares a teacher for students that are trained as `train` says. */
export const teacherOrder = (
  { plan }: Pick<TrainingContext, 'plan'>,
  name: string,
  config: TeacherJob['config'],
  train: TrainConfig,
  dataset = plan.dataset,
): JobOrder<TeacherJob> => ({
  id: `teacher/${name}`,
  job: {
    kind: 'teacher',
    config,
    options: {
      dataset,
      train,
      seed: plan.experiment.seed,
      engine: plan.engine,
      threads: plan.teacherThreads,
      cache: cacheDirectory(),
    },
  },
  sharing: 'shared',
});

/**
 * The teacher for students that are trained as `train` says; null when there is none. A teacher that any run prepared
 * before comes from the cache.
 */
async function prepareTeacher(context: TrainingContext, train: TrainConfig): Promise<PreparedTeacher | null> {
  const { plan, observe } = context;
  const { teacher: config } = plan.experiment;
  if (config.type === 'none') return null;
  const message = 'Preparing the teacher, and its logits of every training image';
  observe({ kind: 'phase', name: 'teacher', message });
  const order = teacherOrder(context, contentHash(config, train), config, train);
  const schedule = teacherSchedule(config, plan.data, train) ?? train;
  const { listener } = phaseTraining(context, 'teacher', { stage: 'teacher' }, schedule);
  const teacher = await resultOfPart(context, order, listener);
  if (teacher !== null) {
    for (const note of teacherMessages(teacher, taskOf(plan.experiment.data))) observe(note);
  }
  return teacher;
}

/** The teacher for the students of a fold. */
async function foldTeacher(context: TrainingContext, train: TrainConfig, fold: Fold): Promise<PreparedTeacher | null> {
  const { teacher: config } = context.plan.experiment;
  if (config.type === 'none') return null;
  const dataset = { ...context.plan.dataset, fold };
  return resultOfPart(context, teacherOrder(context, contentHash(config, train, fold), config, train, dataset));
}

/** A network of the frontier as a teacher; null where its answers cannot be had. */
async function answering(
  context: TrainingContext,
  network: NetworkTeacher,
  train: TrainConfig,
): Promise<PreparedTeacher | null> {
  const { observe } = context;
  const order = teacherOrder(context, contentHash(network.name, train), network, train);
  try {
    return await resultOfPart(context, order, {
      event: (event) => {
        if (event.kind !== 'count') return;
        observe({ kind: 'progress', phase: 'final', done: event.done, total: event.total, unit: event.what });
      },
    });
  } catch (error) {
    if (!(error instanceof JobFailed)) throw error;
    observe({
      kind: 'warning',
      message: `${network.name} cannot teach: ${error.message}. The others learn from the labels`,
    });
    return null;
  }
}

const numbers = (values: readonly number[]): string => values.map((value) => value.toFixed(3)).join(', ');

const origins: { readonly [F in TeacherNormalisation['from']]: string } = {
  configuration: 'as the experiment says',
  metadata: "as its file's metadata says",
  norms: 'found',
  head: 'found',
  answers: 'found',
  data: 'those of the data',
};

/** Answers that need no look at the images, and what to check about a teacher that is no better. */
const guesses: { readonly [T in TaskType]: readonly [guess: string, order: string] } = {
  classification: ['always answering the most frequent class', 'the order of its classes (teacher.classes)'],
  'multi-label': ['a random order of the images', 'the order of its labels (teacher.classes)'],
  regression: ['always answering the mean', 'the order and the unit of its numbers'],
  detection: ['no box at all', 'the order of its classes (teacher.classes)'],
  centroids: ['no box at all', 'the order of its classes (teacher.classes)'],
  segmentation: ['one class for all pixels', 'the order of its classes (teacher.classes)'],
};

/** Notes and warnings about a teacher: its score, and the normalisation of its images. */
export function teacherMessages(
  { name, accuracy, chance, normalisation }: Pick<PreparedTeacher, 'name' | 'accuracy' | 'chance' | 'normalisation'>,
  task: TaskType = 'classification',
): {
  readonly kind: 'note' | 'warning';
  readonly message: string;
}[] {
  const subject = `The teacher, ${name},`;
  const messages: ReturnType<typeof teacherMessages> = [
    { kind: 'note', message: `${subject} has a validation ${mainScores[task].title} of ${scoreText(task, accuracy)}` },
  ];
  if (normalisation !== null) {
    const { mean, std, from, found } = normalisation;
    const how = `takes images with mean ${numbers(mean)} and standard deviation ${numbers(std)}${found === undefined ? `, ${origins[from]}` : `: ${found}`}`;
    const unknown = `${subject} ${how}: its file has none. If it was trained with others, set teacher.normalisation (imagenet for most models of torchvision and timm) or teacher.mean and teacher.std; teacher.normalisation: data keeps these`;
    messages.push(
      from === 'data' ? { kind: 'warning', message: unknown } : { kind: 'note', message: `${subject} ${how}` },
    );
  }
  const { accuracy: guessed, images } = chance;
  const spread = guessed * (1 - guessed);
  // Three standard errors; or, on many images, half of the spread of one answer.
  if (accuracy <= guessed + Math.max(3 * Math.sqrt(spread / images), spread / 2)) {
    const [guess, order] = guesses[task];
    messages.push({
      kind: 'warning',
      message: `${subject} is hardly better than ${guess} (${scoreText(task, guessed)}). Check its normalisation, its layout and ${order}`,
    });
  }
  return messages;
}

/** The weights that the network of a genotype starts from; undefined: random ones. */
type InitialSource = (genotype: Genotype) => InitialWeights | undefined;

/** The weights of `train.from`, of which every network takes its part. A run converts them once. */
async function prepareInitial(context: TrainingContext): Promise<InitialSource> {
  const { plan, observe } = context;
  const { initial: path, space } = plan.experiment;
  if (path === undefined) return () => undefined;
  const file = join(plan.workdir, initialFile);
  const content = initialContent(path);
  const meta = { from: content, data: plan.data.hash };
  if (!isConverted(file, meta)) {
    observe({ kind: 'phase', name: 'weights', message: `Reading the weights that trainings start from` });
    const order = {
      id: `initial/${content}`,
      job: { kind: 'initial', path, space: { config: space, task: plan.task }, dataset: plan.dataset, file, meta },
      sharing: 'shared',
    } as const;
    await resultOfPart(context, order, {
      event: (event) => {
        if (event.kind === 'count')
          observe({ kind: 'progress', phase: 'weights', done: event.done, total: event.total, unit: event.what });
      },
    });
  }
  return (genotype) => ({ file, partial: true, places: memberOf(plan.space, genotype).places });
}

/** Whether an earlier part of the run converted the weights; a damaged file is made again. */
function isConverted(file: string, meta: unknown): boolean {
  try {
    return existsSync(file) && canonicalJson(readTensorFile(file).meta) === canonicalJson(meta);
  } catch (error) {
    if (error instanceof CorruptFile) return false;
    throw error;
  }
}
