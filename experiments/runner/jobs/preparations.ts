import { join } from 'node:path';
import { canonicalJson, contentHash } from '../../../base/hash.js';
import { type Genotype, memberOf } from '../../../spaces/index.js';
import {
  CorruptFile,
  type InitialWeights,
  type PreparedTeacher,
  readTensorFile,
  type TrainConfig,
} from '../../../trainers/index.js';
import type { Beginning } from '../../schema/experiment.js';
import type { TrainingContext } from '../plan.js';
import { type PreparedSupernet, prepareSupernet, sliceOf } from '../supernet.js';
import { initialFile } from '../../stored/workdir.js';
import { cacheDirectory } from '../../../base/files.js';
import type { JobOrder } from './job-runner.js';
import type { TeacherJob } from './jobs.js';
import { phaseTraining } from './training.js';
import { existsSync } from 'node:fs';
import { initialContent } from '../../initial-weights/index.js';

/** What trainings rest on, each made once in a run: the supernet, weights that are given, and teachers. */
export class Preparations {
  private readonly teachers = new Map<string, Promise<PreparedTeacher | null>>();
  private shared: Promise<PreparedSupernet> | undefined;
  private given: Promise<InitialSource> | undefined;

  constructor(private readonly context: TrainingContext) {}

  /** The teacher for a training; trainings with the same views and loss have the same one. */
  teacher(train: TrainConfig): Promise<PreparedTeacher | null> {
    const views = canonicalJson([train.augment, train.loss]);
    const prepared = this.teachers.get(views) ?? prepareTeacher(this.context, train);
    this.teachers.set(views, prepared);
    return prepared;
  }

  /** The run's supernet. */
  supernet(): Promise<PreparedSupernet> {
    const { supernet } = this.context.plan;
    if (supernet === null) throw new Error('the run has no supernet');
    this.shared ??= prepareSupernet(this.context, supernet, async () => ({
      teacher: await this.teacher(supernet.config),
      initial: await this.initialFile(),
    }));
    return this.shared;
  }

  /** Puts in place what trainings begin with. */
  async start(from: Beginning): Promise<void> {
    if (from === 'supernet') await this.supernet();
    if (from === 'weights') await this.weights();
  }

  /** What the training of a network begins with; undefined: random weights. */
  async initial(from: Beginning, genotype: Genotype): Promise<InitialWeights | undefined> {
    switch (from) {
      case 'supernet':
        return sliceOf(this.context.plan.space, await this.supernet(), genotype);
      case 'weights':
        return (await this.weights())(genotype);
      case 'nothing':
        return undefined;
    }
  }

  /** The file of weights that are given; undefined when none are. */
  private async initialFile(): Promise<string | undefined> {
    const { experiment, workdir } = this.context.plan;
    if (experiment.initial === undefined) return undefined;
    await this.weights();
    return join(workdir, initialFile);
  }

  private weights(): Promise<InitialSource> {
    this.given ??= prepareInitial(this.context);
    return this.given;
  }
}

/** The job that makes a teacher ready for students that are trained as `train` says. */
export const teacherOrder = (
  { plan }: Pick<TrainingContext, 'plan'>,
  name: string,
  config: TeacherJob['config'],
  train: TrainConfig,
): JobOrder<TeacherJob> => ({
  id: `teacher/${name}`,
  job: {
    kind: 'teacher',
    config,
    options: {
      dataset: plan.dataset,
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
 * The teacher, ready to teach students that are trained as `train` says; null when there is none. What was prepared
 * before, by this run or any other, comes from the cache.
 */
async function prepareTeacher(context: TrainingContext, train: TrainConfig): Promise<PreparedTeacher | null> {
  const { plan, jobs, observe } = context;
  const { teacher: config } = plan.experiment;
  if (config.type === 'none') return null;
  observe({
    kind: 'phase',
    name: 'teacher',
    message: 'Preparing the teacher, and what it says of every training image',
  });
  const order = teacherOrder(context, contentHash(config, train), config, train);
  const schedule = config.type === 'train' ? config : train;
  const { listener } = phaseTraining(context, 'teacher', { stage: 'teacher' }, schedule);
  const teacher = await jobs.submit(order, listener).result;
  if (teacher !== null) {
    const accuracy = `${(100 * teacher.accuracy).toFixed(2)} % on the validation images`;
    observe({ kind: 'note', message: `The teacher, ${teacher.name}, is right on ${accuracy}` });
  }
  return teacher;
}

/** The weights that the network of a genotype starts from; undefined: random ones. */
type InitialSource = (genotype: Genotype) => InitialWeights | undefined;

/** The weights of `train.from`, of which every network takes its part. They are converted once for each run. */
async function prepareInitial(context: TrainingContext): Promise<InitialSource> {
  const { plan, jobs, observe } = context;
  const { initial: path, space } = plan.experiment;
  if (path === undefined) return () => undefined;
  const file = join(plan.workdir, initialFile);
  const content = initialContent(path);
  const meta = { from: content, data: plan.data.hash };
  if (!isMade(file, meta)) {
    observe({ kind: 'phase', name: 'weights', message: `Reading the weights that trainings start from` });
    const order = {
      id: `initial/${content}`,
      job: { kind: 'initial', path, space: { config: space, task: plan.task }, dataset: plan.dataset, file, meta },
      sharing: 'shared',
    } as const;
    await jobs.submit(order, {
      event: (event) => {
        if (event.kind === 'count')
          observe({ kind: 'progress', phase: 'weights', done: event.done, total: event.total, unit: event.what });
      },
    }).result;
  }
  return (genotype) => ({ file, partial: true, places: memberOf(plan.space, genotype).places });
}

/** Whether it has been converted, by an earlier part of the run; what is damaged is made again. */
function isMade(file: string, meta: unknown): boolean {
  try {
    return existsSync(file) && canonicalJson(readTensorFile(file).meta) === canonicalJson(meta);
  } catch (error) {
    if (error instanceof CorruptFile) return false;
    throw error;
  }
}
