import { join } from 'node:path';
import { canonicalJson } from '../../../base/hash.js';
import type { Genotype } from '../../../spaces/index.js';
import type { InitialWeights, PreparedTeacher, TrainConfig } from '../../../trainers/index.js';
import type { Beginning } from '../../schema/experiment.js';
import type { TrainingContext } from '../context.js';
import { prepareSupernet } from '../supernet/prepare.js';
import { sliceOf, type PreparedSupernet } from '../supernet/slice.js';
import { initialFile } from '../workdir.js';
import { prepareInitial, type InitialSource } from './initial.js';
import { prepareTeacher } from './teacher.js';

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
