import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { TrialRecord } from '../../../../store/index.js';
import { accuracyOf, valuesFrom } from '../../../schema/measures.js';
import type { TrainingContext } from '../../context.js';
import { finishFrontier } from '../../finishing/finish.js';
import type { JobOrder } from '../../jobs/job-runner.js';
import type { EvaluateMemberJob } from '../../jobs/jobs.js';
import { Preparations } from '../../jobs/preparations.js';
import type { LatencyService } from '../../latency/latency.js';
import { memberJob, type PreparedSupernet } from '../../supernet/slice.js';
import { trialFolder, weightsFile } from '../../workdir.js';
import type { AccuracySource, Evaluated } from './accuracy-source.js';
import { trialJob } from './trial-job.js';

/** A candidate's accuracy is that of its slice of the supernet as it is; nothing is trained in the search. */
export class Slices implements AccuracySource {
  readonly epochs = 1;

  private readonly preparations: Preparations;

  constructor(private readonly context: TrainingContext) {
    this.preparations = new Preparations(context);
  }

  async prepare(): Promise<void> {
    await this.preparations.supernet();
  }

  async evaluate(trial: TrialRecord): Promise<Evaluated | undefined> {
    const supernet = await this.preparations.supernet();
    // What is going to be quantized is kept at once.
    const keep = this.context.plan.experiment.compress.int8 === 'off' ? undefined : this.file(trial);
    const result = await trialJob(this.context, trial.number, this.order(trial, supernet, keep));
    if ('interrupted' in result) return undefined;
    if ('failed' in result) return result;
    return { state: 'complete', values: valuesFrom('training', { [accuracyOf('supernet')]: result.accuracy }) };
  }

  /** Nothing is evaluated in part. */
  known(): undefined {
    return undefined;
  }

  abandon(): void {
    return;
  }

  async finish(latency: LatencyService): Promise<void> {
    await finishFrontier(this.context, latency, this.preparations, (trial) => this.weights(trial));
  }

  /** File of a trial's calibrated slice, written now unless it was. */
  async weights(trial: TrialRecord): Promise<string> {
    const file = this.file(trial);
    if (!existsSync(file))
      await this.context.jobs.submit(this.order(trial, await this.preparations.supernet(), file)).result;
    return file;
  }

  private file({ number }: TrialRecord): string {
    return join(this.context.plan.workdir, trialFolder('search', number), weightsFile);
  }

  private order(
    { number, genotype }: TrialRecord,
    supernet: PreparedSupernet,
    keep?: string,
  ): JobOrder<EvaluateMemberJob> {
    const { plan } = this.context;
    return {
      id: `member/${number}`,
      job: { kind: 'member', member: memberJob(plan, supernet, genotype), keep },
      sharing: 'shared',
    };
  }
}
