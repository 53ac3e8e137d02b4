import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import type { LatencyService } from '../latency/latency.js';
import type { Paused } from './evaluator.js';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { accuracyOf, measureNamed, valuesFrom } from '../../schema/measures.js';
import { searchBeginning } from '../../schema/experiment.js';
import type { TrainingContext } from '../plan.js';
import { finishFrontier } from '../finishing/finish.js';
import { Preparations } from '../jobs/preparations.js';
import { train } from '../jobs/training.js';
import { checkpointFile, trialFolder, weightsFile } from '../../stored/workdir.js';
import { JobFailed, type JobOrder } from '../jobs/job-runner.js';
import type { EvaluateMemberJob, Job, ResultOf } from '../jobs/jobs.js';
import { memberJob, type PreparedSupernet } from '../supernet.js';
import { choicesOf } from '../../../spaces/index.js';
import { settledFrontier } from '../finishing/measured-frontier.js';
import { NasError } from '../../../base/errors.js';
import { hostOf, recordAssignment } from '../../stored/workers.js';

/** What the evaluation of a trial came to. */
type Evaluated =
  Paused | { readonly state: 'complete'; readonly values: ObjectiveValues } | { readonly failed: string };

/** Where the values come from that take long: candidates are trained, or a function of the user's is asked. */
export interface AccuracySource {
  /** Puts in place what every evaluation needs. */
  prepare(): Promise<void>;
  /** Epochs of a whole evaluation; 1 where it cannot be done in parts. */
  readonly epochs: number;
  /** Goes on from where the trial stands until `epochs` of its epochs; undefined when the user stopped the run. */
  evaluate(trial: TrialRecord, epochs: number): Promise<Evaluated | undefined>;
  /** What a trial came to after some of its epochs; undefined when it never got there. */
  known(trial: TrialRecord, epochs: number): ObjectiveValues | undefined;
  /** File of the weights of a trial that was evaluated to its end. */
  weights(trial: TrialRecord): Promise<string>;
  /** Forgets how a trial would have gone on. */
  abandon(trial: number): void;
  /** What follows the search. */
  finish(latency: LatencyService): Promise<void>;
}

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

/** A function of the user's says what training would come to; it runs in worker processes, as trainings do. */
export class OwnEvaluations implements AccuracySource {
  readonly epochs = 1;

  constructor(
    private readonly context: TrainingContext,
    private readonly path: string,
  ) {}

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async evaluate({ number, genotype, seed }: TrialRecord): Promise<Evaluated | undefined> {
    const { plan, candidates } = this.context;
    const { objectives } = plan.experiment;
    const names = objectives.map(({ name }) => name).filter((name) => isUntold(name));
    const choices = choicesOf(plan.space.decisions, genotype);
    const subject = { choices, genotype, network: candidates.network(genotype), seed };
    const job = { kind: 'evaluate', path: this.path, names, subject } as const;
    const order = { id: `evaluate/${number}`, job, sharing: 'shared' } as const;
    const result = await trialJob(this.context, number, order);
    if ('interrupted' in result) return undefined;
    return 'failed' in result ? result : { state: 'complete', values: valuesFrom('training', result.values) };
  }

  /** Nothing is evaluated in part. */
  known(): undefined {
    return undefined;
  }

  weights(): Promise<string> {
    return Promise.reject(new Error('what a function of the user trains, it keeps itself'));
  }

  abandon(): void {
    return;
  }

  /** The frontier is measured side by side; what the user's function trained is the user's. */
  async finish(latency: LatencyService): Promise<void> {
    await settledFrontier(this.context, latency);
  }
}

const isUntold = (name: string): boolean => (measureNamed(name)?.source.kind ?? 'training') === 'training';

/**
 * Has a worker do the one job that evaluates a trial; tells and stores when it begins, and begins again. Interrupted: the
 * user stopped the run, and it is done when the run goes on.
 * @throws NasError when the error is not the trial's own.
 */
async function trialJob<J extends Job>(
  { jobs, store, observe }: TrainingContext,
  number: number,
  order: JobOrder<J>,
): Promise<ResultOf<J> | { readonly failed: string } | { readonly interrupted: true }> {
  const begin = () => store.trials.start(number);
  let made = begin();
  const submitted = jobs.submit(order, {
    started: (by) => {
      recordAssignment(store, { stage: 'search', trial: number }, made, by);
      observe({ kind: 'trial-started', worker: by.index, stage: 'search', number, fromEpoch: 0, ...hostOf(by) });
    },
    retry: (attempt, attempts, message) => {
      made = begin();
      store.events.add({ kind: 'retried', trial: number, detail: { stage: 'search', attempt, message } });
      observe({ kind: 'trial-retried', stage: 'search', number, attempt, attempts, message });
    },
  });
  try {
    return await submitted.result;
  } catch (error) {
    if (error instanceof JobFailed) return { failed: error.message };
    if (error instanceof NasError && error.code === 'interrupted') return { interrupted: true };
    throw error;
  }
}
