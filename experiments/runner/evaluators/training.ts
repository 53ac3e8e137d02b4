import type { ObjectiveValues, Outcome, TrialRecord } from '../../../store/index.js';
import { measuresOf } from '../../schema/measures.js';
import type { RunContext, TrainingContext, TrainingPlan } from '../plan.js';
import type { CreateJobRunner } from '../jobs/local-pool.js';
import { ProxyService } from './proxies.js';
import { Compression } from '../compression.js';
import { LatencyService } from '../latency/latency.js';
import { CandidateNetworks } from '../candidate-networks.js';
import { FeatureChoice, type ProposalFilter, ProxyFilter } from '../search/proposals.js';
import type { Evaluator, Paused, Preview } from './evaluator.js';
import { type AccuracySource, OwnEvaluations, Slices, Trainings } from './accuracy-sources.js';
import { violated, type Objective } from '../../../search/index.js';
import { plainValues } from '../../stored/candidates.js';

/** Evaluates networks in earnest: looks at them (costs, zero-cost proxies, latency), then has them trained. */
export class TrainingEvaluator implements Evaluator {
  private readonly latency: LatencyService;
  private readonly looks: readonly Look[];
  /** Null: candidates are float32 networks and nothing else. */
  private readonly compression: Compression | null;
  private readonly source: AccuracySource;
  readonly filter: ProposalFilter | undefined;

  /** @throws NasError when there are no workers to be had. */
  static async with(workers: CreateJobRunner, run: RunContext, plan: TrainingPlan): Promise<TrainingEvaluator> {
    const { parallel, retries } = plan.experiment.search;
    const context = { ...run, plan, candidates: new CandidateNetworks(plan) };
    return new TrainingEvaluator({ ...context, jobs: await workers({ size: parallel, retries }, context) });
  }

  private constructor(private readonly context: TrainingContext) {
    const { plan, candidates } = context;
    const { filter, features } = plan.experiment.search;
    this.latency = new LatencyService(this.context);
    this.compression = plan.experiment.compress.int8 === 'off' ? null : new Compression(this.context);
    this.source = accuracySource(this.context);
    const proxies = new ProxyService(this.context);
    this.filter =
      (filter && new ProxyFilter(this.context, proxies, filter)) ??
      (features && new FeatureChoice(this.context, proxies, features));
    this.looks = [
      candidates,
      ...(plan.proxies.length > 0 ? [proxies] : []),
      ...(plan.sources.has('latency') ? [new LatencyLook(this.context, this.latency, this.compression)] : []),
    ];
  }

  async prepare(): Promise<void> {
    const { stopping } = this.context;
    await this.source.prepare();
    if (!stopping()) await this.compression?.prepare();
    if (!stopping()) await this.latency.calibrate();
  }

  preview(isKnown: (trial: number) => boolean): Preview {
    const { candidates } = this.context;
    const models = this.latency.models(isKnown);
    return {
      cheap: (genotype) => candidates.cheap(genotype, models),
      untold: models === null ? measuresOf('latency').map(([name]) => name) : [],
      describe: (genotype) => {
        const predictions = models === null ? {} : { predictions: candidates.predict(genotype, models) };
        return { network: candidates.network(genotype), ...predictions };
      },
    };
  }

  get epochs(): number {
    return this.source.epochs;
  }

  async evaluate(trial: TrialRecord, until: number): Promise<Outcome | Paused | undefined> {
    const seen = await lookAt(trial, this.looks, this.context.plan.experiment.objectives);
    if (seen === undefined) return undefined;
    if ('state' in seen) return { ...seen, ...this.judgedIn(trial) };
    const trained = await this.source.evaluate(trial, until);
    if (trained === undefined) return undefined;
    if ('failed' in trained)
      return { state: 'failed', values: seen.values, message: trained.failed, ...this.judgedIn(trial) };
    const values = { ...trained.values, ...seen.values };
    if (trained.state === 'paused') return { state: 'paused', values };
    if (this.compression === null) return { state: 'complete', values };
    return this.compression.conclude(trial, values, () => this.source.weights(trial));
  }

  /** What the values of a trial are those of that was not trained to its end, where that is to be said. */
  private judgedIn({ number }: TrialRecord): Pick<Outcome, 'precision'> {
    return this.compression === null ? {} : { precision: this.compression.before(number) };
  }

  recall(trial: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const trained = this.source.known(trial, epochs);
    return trained && { ...trained, ...seenOf(trial, this.looks) };
  }

  abandon(trial: number): void {
    this.source.abandon(trial);
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

/** Where the run's accuracies come from. */
function accuracySource(context: TrainingContext): AccuracySource {
  const { evaluate, search } = context.plan.experiment;
  if (evaluate !== undefined) return new OwnEvaluations(context, evaluate.path);
  return search.evaluate === 'supernet' ? new Slices(context) : new Trainings(context);
}

/** What came of a look at a network; undefined when the user stopped the run. */
type Looked = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/** Tells of a trial's network what can be told before it is trained: costs, zero-cost proxies, latency. */
interface Look {
  /** Its values, made now unless they are known. */
  of(trial: TrialRecord): Looked | Promise<Looked>;
  /** Those that were made before. */
  known(trial: TrialRecord): ObjectiveValues;
}

/**
 * Looks at a trial's network, one look after the other; what breaks a constraint is looked at no further, and not to be
 * trained. Undefined when the user stopped the run.
 */
async function lookAt(
  trial: TrialRecord,
  looks: readonly Look[],
  objectives: readonly Objective[],
): Promise<{ readonly values: ObjectiveValues } | Outcome | undefined> {
  let values: ObjectiveValues = {};
  for (const look of looks) {
    const found = await look.of(trial);
    if (found === undefined) return undefined;
    if ('failed' in found) return { state: 'failed', values, message: found.failed };
    values = { ...values, ...found.values };
    const broken = violated(objectives, plainValues(values));
    if (broken.length > 0) return { state: 'pruned', values, message: `before training: ${breaches(broken, values)}` };
  }
  return { values };
}

/** All that earlier looks told of a trial. */
const seenOf = (trial: TrialRecord, looks: readonly Look[]): ObjectiveValues =>
  looks.reduce<ObjectiveValues>((values, look) => ({ ...values, ...look.known(trial) }), {});

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
 * Measures a trial's network. Where candidates have several precisions, its latency is that of the one that it is judged in,
 * and so are the costs that depend on it.
 */
class LatencyLook implements Look {
  constructor(
    private readonly context: TrainingContext,
    private readonly latency: LatencyService,
    private readonly compression: Compression | null,
  ) {}

  async of(trial: TrialRecord): Promise<Looked> {
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
