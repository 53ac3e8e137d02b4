import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../base/errors.js';
import { metricsOf } from '../../base/scores.js';
import { choicesOf } from '../../spaces/index.js';
import type { ObjectiveValues, TrialRecord } from '../../store/index.js';
import { measureNamed, trainedValues, valuesFrom } from '../../experiments/schema/measures.js';
import { reportOf, storeReport } from '../stored/reports.js';
import { trialFolder, weightsFile } from '../stored/workdir.js';
import { finishFrontier } from '../finishing/finish.js';
import { settledFrontier } from '../finishing/measured-frontier.js';
import { JobFailed, type JobListener, type JobOrder } from '../jobs/job-runner.js';
import type { EvaluateMemberJob, Job, ResultOf } from '../jobs/jobs.js';
import { Preparations } from '../trainings/preparations.js';
import { recordClasses, resultOfPart, trialAttempts, withDeaths } from '../trainings/training.js';
import type { LatencyService } from '../latency/latency.js';
import type { TrainingContext } from '../plan.js';
import { memberJob, type PreparedSupernet } from '../trainings/supernet.js';
import type { AccuracySource, Evaluated } from './evaluator.js';

/** Evaluates each candidate's slice of the supernet; the search trains nothing. */
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
    // Kept at once where it will be quantized.
    const keep = this.context.plan.experiment.compress.int8 === 'off' ? undefined : this.file(trial);
    const result = await trialJob(this.context, trial.number, this.order(trial, supernet, keep));
    if ('interrupted' in result) return undefined;
    if ('failed' in result) return result;
    recordClasses(
      this.context,
      trial.number,
      { stage: 'search', precision: 'fp32', split: 'validation' },
      result.details,
    );
    return {
      state: 'complete',
      values: trainedValues(this.context.plan.experiment, { ...result, metrics: metricsOf(result.details) }),
    };
  }

  finish(latency: LatencyService): Promise<void> {
    return finishFrontier(this.context, latency, this.preparations, this);
  }

  /** File of a trial's calibrated slice, written now unless it was. */
  async weights(trial: TrialRecord): Promise<string> {
    const file = this.file(trial);
    if (!existsSync(file))
      await resultOfPart(this.context, this.order(trial, await this.preparations.supernet(), file));
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
    const member = memberJob(this.context.plan, supernet, genotype);
    return { id: `member/${number}`, job: { kind: 'member', member, keep }, sharing: 'shared' };
  }
}

/** Asks the user's function for the values; it runs in worker processes, as trainings do. */
export class OwnEvaluations implements AccuracySource {
  readonly epochs: number;

  constructor(
    private readonly context: TrainingContext,
    private readonly module: { readonly path: string; readonly epochs: number },
  ) {
    this.epochs = module.epochs;
  }

  async evaluate({ number, genotype, seed }: TrialRecord, epochs: number): Promise<Evaluated | undefined> {
    const { plan, candidates, store } = this.context;
    const names = plan.experiment.objectives.map(({ name }) => name).filter(isExpected);
    const choices = choicesOf(plan.space.decisions, genotype);
    const subject = { choices, genotype, network: candidates.network(genotype), seed };
    const folder = this.epochs === 1 ? null : this.folder(number);
    const job = { kind: 'evaluate', path: this.module.path, names, subject, epochs, folder } as const;
    const result = await trialJob(this.context, number, { id: `evaluate/${number}`, job, sharing: 'shared' });
    if ('interrupted' in result) return undefined;
    if ('failed' in result) return result;
    const values = valuesFrom('training', result.values);
    if (epochs === this.epochs) return { state: 'complete', values };
    storeReport(store, number, { epochs, values: result.values });
    return { state: 'paused', values };
  }

  known({ number }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const values = reportOf(this.context.store, number, epochs);
    return values && valuesFrom('training', values);
  }

  abandon(trial: number): void {
    rmSync(this.folder(trial), { recursive: true, force: true });
  }

  private folder(number: number): string {
    return join(this.context.plan.workdir, trialFolder('search', number));
  }

  weights(): Promise<string> {
    return Promise.reject(new Error('the function of the user keeps its weights itself'));
  }

  /** The frontier is measured side by side; the user's function keeps its own weights. */
  async finish(latency: LatencyService): Promise<void> {
    await settledFrontier(this.context, latency);
  }
}

/** Whether the user's function gives the values of a name: nas computes all others. */
const isExpected = (name: string): boolean => (measureNamed(name)?.source.kind ?? 'training') === 'training';

/**
 * Runs the one job that evaluates a trial; stores and reports its attempts. Interrupted: the user stopped the run, and the
 * job is done when the run resumes.
 * @throws NasError when the error is not the trial's own.
 */
async function trialJob<J extends Job>(
  context: TrainingContext,
  number: number,
  order: JobOrder<J>,
): Promise<ResultOf<J> | { readonly failed: string } | { readonly interrupted: true }> {
  const attempts = trialAttempts(context, { stage: 'search', number, job: order.id });
  const listener: JobListener = { started: (worker) => attempts.started(worker), retry: attempts.retry };
  try {
    return await context.jobs.submit(withDeaths(context.store, order, number), listener).result;
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    if (error instanceof NasError && error.code === 'interrupted') return { interrupted: true };
    throw error;
  }
}
