import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { ObjectiveValues, TrialRecord } from '../../../../store/index.js';
import { accuracyOf, valuesFrom } from '../../../schema/measures.js';
import { searchBeginning } from '../../../schema/experiment.js';
import type { TrainingContext } from '../../context.js';
import { finishFrontier } from '../../finishing/finish.js';
import { Preparations } from '../../jobs/preparations.js';
import { train } from '../../jobs/training.js';
import type { LatencyService } from '../../latency/latency.js';
import { checkpointFile, trialFolder, weightsFile } from '../../workdir.js';
import type { AccuracySource, Evaluated } from './accuracy-source.js';

/** Candidates are trained, each by itself, in a worker process: from nothing, or from their slices of the supernet. */
export class Trainings implements AccuracySource {
  private readonly preparations: Preparations;

  constructor(private readonly context: TrainingContext) {
    this.preparations = new Preparations(context);
  }

  async prepare(): Promise<void> {
    const { experiment } = this.context.plan;
    await this.preparations.start(searchBeginning(experiment));
    if (!this.context.stopping()) await this.preparations.teacher(experiment.train);
  }

  get epochs(): number {
    return this.context.plan.experiment.train.epochs;
  }

  async evaluate({ number, genotype, seed }: TrialRecord, until: number): Promise<Evaluated | undefined> {
    const { plan, candidates } = this.context;
    const config = plan.experiment.train;
    const outcome = await train(this.context, {
      stage: 'search',
      number,
      network: candidates.network(genotype),
      seed,
      train: config,
      teacher: await this.preparations.teacher(config),
      initial: await this.preparations.initial(searchBeginning(plan.experiment), genotype),
      until,
    });
    if ('failed' in outcome) return outcome;
    const { result } = outcome;
    if (result.state === 'interrupted') return undefined;
    return { state: result.state, values: this.values(result.accuracy) };
  }

  known({ number }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const curve = this.context.store.curves.of({ stage: 'search', trial: number });
    const last = curve.find(({ epoch }) => epoch === epochs - 1);
    return last && this.values(last.validationAccuracy);
  }

  abandon(trial: number): void {
    rmSync(join(this.folder(trial), checkpointFile), { force: true });
  }

  weights({ number }: TrialRecord): Promise<string> {
    return Promise.resolve(join(this.folder(number), weightsFile));
  }

  async finish(latency: LatencyService): Promise<void> {
    await finishFrontier(this.context, latency, this.preparations, (trial) => this.weights(trial));
  }

  private values(accuracy: number): ObjectiveValues {
    return valuesFrom('training', { [accuracyOf(this.context.plan.experiment.search.evaluate)]: accuracy });
  }

  private folder(trial: number): string {
    return join(this.context.plan.workdir, trialFolder('search', trial));
  }
}
