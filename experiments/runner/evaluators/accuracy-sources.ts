import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { NasError } from '../../../base/errors.js';
import { choicesOf } from '../../../spaces/index.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import { accuracyOf, measureNamed, valuesFrom } from '../../schema/measures.js';
import { searchBeginning } from '../../schema/experiment.js';
import { checkpointFile, trialFolder, weightsFile } from '../../stored/workdir.js';
import { finishFrontier } from '../finishing/finish.js';
import { settledFrontier } from '../finishing/measured-frontier.js';
import { JobFailed, type JobOrder } from '../jobs/job-runner.js';
import type { EvaluateMemberJob, Job, ResultOf } from '../jobs/jobs.js';
import { Preparations } from '../jobs/preparations.js';
import { train, trialAttempts } from '../jobs/training.js';
import type { LatencyService } from '../latency/latency.js';
import type { TrainingContext } from '../plan.js';
import { memberJob, type PreparedSupernet } from '../supernet.js';
import type { Paused } from './evaluator.js';

/** The result of evaluating a trial. */
type Evaluated =
  Paused | { readonly state: 'complete'; readonly values: ObjectiveValues } | { readonly failed: string };

/** Where expensive values come from: trainings, slices of a supernet, or a function of the user's. */
export interface AccuracySource {
  /** Prepares the inputs of every evaluation. */
  prepare?(): Promise<void>;
  /** Epochs of a whole evaluation; 1 where it cannot be done in parts. */
  readonly epochs: number;
  /** Continues a trial until `epochs` of its epochs are done; undefined when the user stopped the run. */
  evaluate(trial: TrialRecord, epochs: number): Promise<Evaluated | undefined>;
  /** The stored values of a trial after some of its epochs; undefined when it never got there. */
  known?(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** File of the weights of a trial that was evaluated to its end. */
  weights(trial: TrialRecord): Promise<string>;
  /** Discards the checkpoint of a trial. */
  abandon?(trial: number): void;
  /** Finishes the frontier after the search. */
  finish(latency: LatencyService): Promise<void>;
}

/** Trains each candidate alone, in a worker process: from random weights, or from its slice of the supernet. */
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
    rmSync(this.file(trial, checkpointFile), { force: true });
  }

  weights({ number }: TrialRecord): Promise<string> {
    return Promise.resolve(this.file(number, weightsFile));
  }

  finish(latency: LatencyService): Promise<void> {
    return finishFrontier(this.context, latency, this.preparations, (trial) => this.weights(trial));
  }

  private values(accuracy: number): ObjectiveValues {
    return valuesFrom('training', { [accuracyOf(this.context.plan.experiment.search.evaluate)]: accuracy });
  }

  private file(trial: number, name: string): string {
    return join(this.context.plan.workdir, trialFolder('search', trial), name);
  }
}

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
    return { state: 'complete', values: valuesFrom('training', { [accuracyOf('supernet')]: result.accuracy }) };
  }

  finish(latency: LatencyService): Promise<void> {
    return finishFrontier(this.context, latency, this.preparations, (trial) => this.weights(trial));
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
    const member = memberJob(this.context.plan, supernet, genotype);
    return { id: `member/${number}`, job: { kind: 'member', member, keep }, sharing: 'shared' };
  }
}

/** Asks the user's function for the values; it runs in worker processes, as trainings do. */
export class OwnEvaluations implements AccuracySource {
  readonly epochs = 1;

  constructor(
    private readonly context: TrainingContext,
    private readonly path: string,
  ) {}

  async evaluate({ number, genotype, seed }: TrialRecord): Promise<Evaluated | undefined> {
    const { plan, candidates } = this.context;
    const names = plan.experiment.objectives.map(({ name }) => name).filter(isExpected);
    const choices = choicesOf(plan.space.decisions, genotype);
    const subject = { choices, genotype, network: candidates.network(genotype), seed };
    const job = { kind: 'evaluate', path: this.path, names, subject } as const;
    const result = await trialJob(this.context, number, { id: `evaluate/${number}`, job, sharing: 'shared' });
    if ('interrupted' in result) return undefined;
    return 'failed' in result ? result : { state: 'complete', values: valuesFrom('training', result.values) };
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
  const attempts = trialAttempts(context, 'search', number);
  try {
    return await context.jobs.submit(order, { started: (worker) => attempts.started(worker), retry: attempts.retry })
      .result;
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    if (error instanceof NasError && error.code === 'interrupted') return { interrupted: true };
    throw error;
  }
}
