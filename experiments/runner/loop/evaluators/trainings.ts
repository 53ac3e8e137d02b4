import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../../base/hash.js';
import type { ObjectiveValues, TrialRecord } from '../../../../store/index.js';
import type { PreparedTeacher } from '../../../../trainers/index.js';
import { valuesFrom } from '../../../measures.js';
import type { TrainingContext } from '../../context.js';
import { finishFrontier } from '../../finishing/finish.js';
import { prepareInitial, type InitialSource } from '../../jobs/initial.js';
import { prepareTeacher } from '../../jobs/teacher.js';
import { train } from '../../jobs/training.js';
import { checkpointFile, trialFolder } from '../../workdir.js';
import type { LatencyService } from '../../latency/latency.js';
import type { AccuracySource, Evaluated } from './accuracy-source.js';

/** Where the accuracy of candidates comes from: each is trained by itself, in a worker process. */
export class Trainings implements AccuracySource {
  private teacher: PreparedTeacher | null = null;
  private initial: InitialSource = () => undefined;

  constructor(private readonly context: TrainingContext) {}

  async prepare(): Promise<void> {
    this.teacher = await prepareTeacher(this.context, this.context.plan.experiment.train);
    this.initial = await prepareInitial(this.context);
  }

  get epochs(): number {
    return this.context.plan.experiment.train.epochs;
  }

  async evaluate({ number, genotype, seed }: TrialRecord, until: number): Promise<Evaluated | undefined> {
    const { plan, candidates } = this.context;
    const network = candidates.network(genotype);
    const config = plan.experiment.train;
    const initial = this.initial(genotype);
    const { teacher } = this;
    const request = { stage: 'search', number, network, seed, train: config, teacher, initial, until } as const;
    const outcome = await train(this.context, request);
    if ('failed' in outcome) return outcome;
    const { result } = outcome;
    if (result.state === 'interrupted') return undefined;
    return { state: result.state, values: valuesFrom('training', { accuracy: result.accuracy }) };
  }

  known({ number }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const curve = this.context.store.curves.of({ stage: 'search', trial: number });
    const last = curve.find(({ epoch }) => epoch === epochs - 1);
    return last && valuesFrom('training', { accuracy: last.validationAccuracy });
  }

  abandon(trial: number): void {
    rmSync(join(this.context.plan.workdir, trialFolder('search', trial), checkpointFile), { force: true });
  }

  async finish(latency: LatencyService): Promise<void> {
    await finishFrontier(this.context, latency, { teacher: await this.finalTeacher(), initial: this.initial });
  }

  /** The teacher of the final training: its full schedule may show other views, which it has not been asked about yet. */
  private async finalTeacher(): Promise<PreparedTeacher | null> {
    const { train: searched, final } = this.context.plan.experiment;
    const views = ({ augment, loss }: typeof searched): string => canonicalJson([augment, loss]);
    return final === null || views(searched) === views(final) ? this.teacher : prepareTeacher(this.context, final);
  }
}
