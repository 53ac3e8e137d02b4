import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '../../../../base/hash.js';
import { violated, type Objective } from '../../../../search/index.js';
import type { ObjectiveValues, Outcome, TrialRecord } from '../../../../store/index.js';
import type { PreparedTeacher } from '../../../../trainers/index.js';
import { Candidates } from '../candidates.js';
import type { RunContext, TrainingContext } from '../../context.js';
import { FeatureChoice } from '../feature-choice.js';
import { finishFrontier } from '../../finishing/finish.js';
import { plainValues } from '../frontier.js';
import { LatencyService } from '../../latency/latency.js';
import type { TrainingPlan } from '../../plan.js';
import { Pool } from '../../jobs/pool.js';
import { ProxyService } from '../../jobs/proxies.js';
import type { ProposalFilter } from '../proposals.js';
import { ProxyFilter } from '../proxy-filter.js';
import { prepareTeacher } from '../../jobs/teacher.js';
import { train } from '../../jobs/training.js';
import { checkpointFile, trialFolder } from '../../workdir.js';
import type { Evaluator, Preview, Paused } from './evaluator.js';

/** What a look at an untrained network gave; undefined when the user stopped the run. */
type Look = { readonly values: ObjectiveValues } | { readonly failed: string } | undefined;

/**
 * Evaluates networks in earnest: computes zero-cost proxies, measures latency, then trains in worker processes.
 */
export class TrainingEvaluator implements Evaluator {
  private readonly context: TrainingContext;
  private readonly latency: LatencyService;
  private readonly proxies: ProxyService;
  readonly filter: ProposalFilter | undefined;
  private teacher: PreparedTeacher | null = null;

  constructor(context: RunContext, plan: TrainingPlan) {
    const { parallel, retries, filter, features } = plan.experiment.search;
    const pool = new Pool({ size: parallel, retries });
    this.context = { ...context, plan, pool, candidates: new Candidates(plan) };
    this.latency = new LatencyService(this.context);
    this.proxies = new ProxyService(this.context);
    this.filter =
      (filter && new ProxyFilter(this.context, this.proxies, filter)) ??
      (features && new FeatureChoice(this.context, this.proxies, features));
  }

  async prepare(): Promise<void> {
    const { plan, stopping } = this.context;
    this.teacher = await prepareTeacher(this.context, plan.experiment.train);
    if (!stopping()) await this.latency.calibrate();
  }

  preview(isKnown: (trial: number) => boolean): Preview {
    const { candidates } = this.context;
    const model = this.latency.model(isKnown);
    return {
      cheap: (genotype) => candidates.cheap(genotype, model),
      untold: model === null ? ['latency_ms'] : [],
      describe: (genotype) => {
        const prediction = candidates.predict(genotype, model);
        return { network: candidates.network(genotype), ...(prediction === undefined ? {} : { prediction }) };
      },
    };
  }

  get epochs(): number {
    return this.context.plan.experiment.train.epochs;
  }

  async evaluate(trial: TrialRecord, until: number): Promise<Outcome | Paused | undefined> {
    const before = await this.beforeTraining(trial);
    if (before === undefined || 'state' in before) return before;
    const { plan, candidates } = this.context;
    const { number, genotype, seed } = trial;
    const { values } = before;
    const network = candidates.network(genotype);
    const config = plan.experiment.train;
    const request = { stage: 'search', number, network, seed, train: config, teacher: this.teacher } as const;
    const outcome = await train(this.context, { ...request, until });
    if ('failed' in outcome) return { state: 'failed', values, message: outcome.failed };
    if (outcome.result.state === 'interrupted') return undefined;
    return { state: outcome.result.state, values: { ...accuracy(outcome.result.accuracy), ...values } };
  }

  /**
   * All that is known of a trial's untrained network, what takes least time first. It ends with the first constraint that
   * is broken.
   */
  private async beforeTraining(
    trial: TrialRecord,
  ): Promise<{ readonly values: ObjectiveValues } | Outcome | undefined> {
    const { plan, candidates } = this.context;
    const looks: readonly (() => Look | Promise<Look>)[] = [
      () => ({ values: candidates.computed(trial.genotype) }),
      ...(plan.proxies.length > 0 ? [() => this.proxies.ofTrial(trial)] : []),
      ...(plan.needsLatency ? [() => this.latencyOf(trial)] : []),
    ];
    let values: ObjectiveValues = {};
    for (const look of looks) {
      const found = await look();
      if (found === undefined) return undefined;
      if ('failed' in found) return { state: 'failed', values, message: found.failed };
      values = { ...values, ...found.values };
      const broken = violated(plan.experiment.objectives, plainValues(values));
      if (broken.length > 0)
        return { state: 'pruned', values, message: `before training: ${breaches(broken, values)}` };
    }
    return { values };
  }

  private async latencyOf({ number, genotype, seed }: TrialRecord): Promise<Look> {
    const candidate = { network: this.context.candidates.network(genotype), seed };
    const latency = await this.latency.ofTrial({ genotype, candidate, trial: number });
    return latency === undefined || 'failed' in latency ? latency : { values: { latency_ms: latency } };
  }

  recall({ number, genotype }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const { store, candidates } = this.context;
    const last = store.curves.of({ stage: 'search', trial: number }).find(({ epoch }) => epoch === epochs - 1);
    if (last === undefined) return undefined;
    const latency = this.latency.known(number);
    return {
      ...accuracy(last.validationAccuracy),
      ...candidates.computed(genotype),
      ...this.proxies.known(number),
      ...(latency === undefined ? {} : { latency_ms: latency }),
    };
  }

  abandon(trial: number): void {
    rmSync(join(this.context.plan.workdir, trialFolder('search', trial), checkpointFile), { force: true });
  }

  async finish(): Promise<void> {
    const { train: searched, final } = this.context.plan.experiment;
    this.latency.reportQuality();
    // The full schedule may show other views of the images, which the teacher has not been asked about yet.
    const sameViews =
      final === null || canonicalJson([searched.augment, searched.loss]) === canonicalJson([final.augment, final.loss]);
    const teacher = sameViews ? this.teacher : await prepareTeacher(this.context, final);
    await finishFrontier(this.context, this.latency, teacher);
  }

  stop(): void {
    this.context.pool.stop();
  }

  close(): Promise<void> {
    return this.context.pool.close();
  }
}

const accuracy = (value: number): ObjectiveValues => ({ accuracy: { value, provenance: 'measured' } });

const short = (value: number): string => String(Number(value.toPrecision(4)));

/** `latency_ms is 3.21 (max 2.5)`, for each constraint that is broken. */
const breaches = (broken: readonly Objective[], values: ObjectiveValues): string =>
  broken
    .map(({ name, constraint = {} }) => {
      const bounds = Object.entries(constraint).map(([bound, value]) => `${bound} ${short(value)}`);
      return `${name} is ${short(values[name].value)} (${bounds.join(', ')})`;
    })
    .join(', ');
