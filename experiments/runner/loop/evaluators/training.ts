import type { ObjectiveValues, Outcome, TrialRecord } from '../../../../store/index.js';
import { measuresOf } from '../../../schema/measures.js';
import type { RunContext, TrainingContext } from '../../context.js';
import type { CreateJobRunner } from '../../jobs/local-pool.js';
import { ProxyService } from '../../jobs/proxies.js';
import { Compression } from '../../compress/compression.js';
import { LatencyService } from '../../latency/latency.js';
import type { TrainingPlan } from '../../plan.js';
import { Candidates } from '../candidates.js';
import { FeatureChoice } from '../feature-choice.js';
import { LatencyLook } from '../latency-look.js';
import { lookAt, seenOf, type Look } from '../looks.js';
import type { ProposalFilter } from '../proposals.js';
import { ProxyFilter } from '../proxy-filter.js';
import type { Evaluator, Paused, Preview } from './evaluator.js';
import type { AccuracySource } from './accuracy-source.js';
import { OwnEvaluations } from './own-evaluations.js';
import { Slices } from './slices.js';
import { Trainings } from './trainings.js';

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
    const context = { ...run, plan, candidates: new Candidates(plan) };
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
