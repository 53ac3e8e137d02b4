import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { violated, type Objective, type TrialResult } from '../../search/index.js';
import type { ObjectiveValues, Outcome, TrialRecord } from '../../store/index.js';
import { fromTrained } from '../../trainers/index.js';
import { searchInitialisation } from '../../experiments/schema/experiment.js';
import { measuresOf, trainedValues, type Validated } from '../../experiments/schema/measures.js';
import { plainValues } from '../stored/candidates.js';
import { checkpointFile, trialFolder, weightsFile } from '../stored/workdir.js';
import { CandidateNetworks, type LatencyModels } from '../candidate-networks.js';
import { Compression } from '../compression.js';
import { finishFrontier } from '../finishing/finish.js';
import type { CreateJobRunner } from '../job-runners.js';
import { Preparations } from '../trainings/preparations.js';
import { train } from '../trainings/training.js';
import { LatencyService } from '../latency/latency.js';
import type { RunContext, TrainingContext, TrainingPlan } from '../plan.js';
import { OwnEvaluations, Slices } from './accuracy-sources.js';
import type { AccuracySource, Evaluated, Evaluator, Paused, Preview } from './evaluator.js';
import { InstructionStep, type StepOutcome } from './instructions.js';

/** Evaluates networks: cheap evaluation steps first (costs, instructions, latency), then training. */
export class TrainingEvaluator implements Evaluator {
  private readonly latency: LatencyService;
  private readonly steps: readonly EvaluationStep[];
  /** Null: candidates are float32 networks only. */
  private readonly compression: Compression | null;
  private readonly source: AccuracySource;
  private previewed: { readonly models: LatencyModels | null; readonly preview: Preview } | undefined;

  /** @throws NasError when there are no workers. */
  static async with(workers: CreateJobRunner, run: RunContext, plan: TrainingPlan): Promise<TrainingEvaluator> {
    const { parallel, retries } = plan.experiment.search;
    const context = { ...run, plan, candidates: new CandidateNetworks(plan) };
    return new TrainingEvaluator({ ...context, jobs: await workers({ size: parallel, retries }, context) });
  }

  private constructor(private readonly context: TrainingContext) {
    const { plan, candidates } = context;
    const { core } = plan.experiment;
    this.latency = new LatencyService(context);
    this.compression = plan.experiment.compress.int8 === 'off' ? null : new Compression(context);
    this.source = accuracySource(context);
    this.steps = [
      candidates,
      ...(core ? [new InstructionStep(context, core)] : []),
      ...(plan.sources.has('latency') ? [new LatencyStep(context, this.latency, this.compression)] : []),
    ];
  }

  async prepare(): Promise<void> {
    const { stopping } = this.context;
    await this.source.prepare?.();
    if (!stopping()) await this.compression?.prepare();
    if (!stopping()) await this.latency.calibrate();
  }

  preview(isKnown: (trial: number) => boolean): Preview {
    const models = this.latency.models(isKnown);
    if (this.previewed?.models !== models) this.previewed = { models, preview: this.previewBy(models) };
    return this.previewed.preview;
  }

  private previewBy(models: LatencyModels | null): Preview {
    const { candidates } = this.context;
    return {
      cheap: (genotype) => candidates.cheap(genotype, models),
      unpredicted: models === null ? measuresOf('latency').map(([name]) => name) : [],
      describe: (genotype) => {
        const predictions = models === null ? {} : { predictions: candidates.predict(genotype, models) };
        return { network: candidates.network(genotype), ...predictions };
      },
    };
  }

  asked(trial: number, history: readonly TrialResult[]): void {
    this.source.asked?.(trial, history);
  }

  get epochs(): number {
    return this.source.epochs;
  }

  async evaluate(trial: TrialRecord, until: number): Promise<Outcome | Paused | undefined> {
    const { objectives, limits = [] } = this.context.plan.experiment;
    const before = await runSteps(trial, this.steps, [...objectives, ...limits]);
    if (before === undefined) return undefined;
    if ('state' in before) return { ...before, ...this.precisionOf(trial) };
    const trained = await this.source.evaluate(trial, until);
    if (trained === undefined) return undefined;
    if ('failed' in trained)
      return { state: 'failed', values: before.values, message: trained.failed, ...this.precisionOf(trial) };
    const values = { ...trained.values, ...before.values };
    if (trained.state === 'paused') return { state: 'paused', values };
    if (this.compression === null) return { state: 'complete', values };
    return this.compression.conclude(trial, values, () => this.source.weights(trial));
  }

  /** The precision of the values of a trial that was not trained to its end, in runs of several. */
  private precisionOf({ number }: TrialRecord): Pick<Outcome, 'precision'> {
    return this.compression === null ? {} : { precision: this.compression.before(number) };
  }

  recall(trial: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const trained = this.source.known?.(trial, epochs);
    return (
      trained && this.steps.reduce<ObjectiveValues>((values, step) => ({ ...values, ...step.known(trial) }), trained)
    );
  }

  abandon(trial: number): void {
    this.source.abandon?.(trial);
  }

  async finish(): Promise<void> {
    this.latency.reportQuality();
    this.compression?.summarise();
    await this.source.finish(this.latency);
  }

  stop(): void {
    this.context.jobs.stop();
  }

  close(): Promise<void> {
    return this.context.jobs.close();
  }
}

function accuracySource(context: TrainingContext): AccuracySource {
  const { evaluate, search } = context.plan.experiment;
  if (evaluate !== undefined) return new OwnEvaluations(context, evaluate);
  return search.evaluate === 'supernet' ? new Slices(context) : new Trainings(context);
}

/** Trains each candidate alone, in a worker process: from random weights, or from its slice of the supernet. */
class Trainings implements AccuracySource {
  private readonly preparations: Preparations;

  constructor(private readonly context: TrainingContext) {
    this.preparations = new Preparations(context);
  }

  async prepare(): Promise<void> {
    const { experiment } = this.context.plan;
    await this.preparations.start(searchInitialisation(experiment));
    if (!this.context.stopping()) await this.preparations.prepareTeacher();
  }

  asked(trial: number, history: readonly TrialResult[]): void {
    this.preparations.compareWith(history, trial);
  }

  get epochs(): number {
    return this.context.plan.experiment.train.epochs;
  }

  async evaluate({ number, genotype, seed }: TrialRecord, until: number): Promise<Evaluated | undefined> {
    const { plan, candidates } = this.context;
    const { train: config, teacher } = await this.preparations.taught(plan.experiment.train, { trial: number });
    const initial = await this.preparations.initial(searchInitialisation(plan.experiment), genotype);
    const outcome = await train(this.context, {
      stage: 'search',
      number,
      network: candidates.network(genotype),
      seed,
      train: initial === undefined ? config : fromTrained(config),
      teacher,
      initial,
      until,
    });
    if ('failed' in outcome) return outcome;
    const { result } = outcome;
    if (result.state === 'interrupted') return undefined;
    const { accuracy, curve } = result;
    return { state: result.state, values: this.values({ accuracy, metrics: curve[curve.length - 1].metrics }) };
  }

  known({ number }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const curve = this.context.store.curves.of({ stage: 'search', trial: number });
    const last = curve.find(({ epoch }) => epoch === epochs - 1);
    return last && this.values({ accuracy: last.validationAccuracy, metrics: last.metrics });
  }

  abandon(trial: number): void {
    rmSync(this.file(trial, checkpointFile), { force: true });
  }

  weights({ number }: TrialRecord): Promise<string> {
    return Promise.resolve(this.file(number, weightsFile));
  }

  async finish(latency: LatencyService): Promise<void> {
    await finishFrontier(this.context, latency, this.preparations, this);
  }

  private values(validated: Validated): ObjectiveValues {
    return trainedValues(this.context.plan.experiment, validated);
  }

  private file(trial: number, name: string): string {
    return join(this.context.plan.workdir, trialFolder('search', trial), name);
  }
}

/** Finds values of a trial's network before it is trained: costs, instructions, latency. */
interface EvaluationStep {
  of(trial: TrialRecord): StepOutcome | Promise<StepOutcome>;
  known(trial: TrialRecord): ObjectiveValues;
}

/**
 * Runs the evaluation steps of a trial one after the other. A trial that breaks a constraint is pruned: no further step,
 * and no training. Undefined when the user stopped the run.
 */
async function runSteps(
  trial: TrialRecord,
  steps: readonly EvaluationStep[],
  objectives: readonly Objective[],
): Promise<{ readonly values: ObjectiveValues } | Outcome | undefined> {
  let values: ObjectiveValues = {};
  for (const step of steps) {
    const found = await step.of(trial);
    if (found === undefined) return undefined;
    if ('failed' in found) return { state: 'failed', values, message: found.failed };
    values = { ...values, ...found.values };
    const broken = violated(objectives, plainValues(values));
    if (broken.length > 0) return { state: 'pruned', values, message: `before training: ${breaches(broken, values)}` };
  }
  return { values };
}

const short = (value: number): string => String(Number(value.toPrecision(4)));

/** `latency_ms is 3.21 (max 2.5)`, for each constraint that is broken. */
const breaches = (broken: readonly Objective[], values: ObjectiveValues): string =>
  broken
    .map(({ name, constraint = {} }) => {
      const bounds = Object.entries(constraint).map(([bound, value]) => `${bound} ${short(value)}`);
      return `${name} is ${short(values[name].value)} (${bounds.join(', ')})`;
    })
    .join(', ');

/**
 * Measures a trial's network. In runs of several precisions, latency and the costs that depend on it refer to the
 * precision in which the trial is evaluated.
 */
class LatencyStep implements EvaluationStep {
  constructor(
    private readonly context: TrainingContext,
    private readonly latency: LatencyService,
    private readonly compression: Compression | null,
  ) {}

  async of(trial: TrialRecord): Promise<StepOutcome> {
    const { number, genotype, seed } = trial;
    const candidate = { network: this.context.candidates.network(genotype), seed };
    const found = await this.latency.ofTrial({ genotype, candidate, trial: number });
    if (found === undefined || 'failed' in found) return found;
    return { values: this.compression?.measured(trial, found) ?? this.known(trial) };
  }

  known({ number }: TrialRecord): ObjectiveValues {
    if (this.compression !== null) return this.compression.known(number);
    const latency = this.latency.known(number)?.fp32;
    return latency === undefined ? {} : { latency_ms: latency };
  }
}
