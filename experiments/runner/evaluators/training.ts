import { canonicalJson } from '../../../base/hash.js';
import { violated } from '../../../search/index.js';
import type { ObjectiveValues, Outcome, TrialRecord } from '../../../store/index.js';
import type { PreparedTeacher } from '../../../trainers/index.js';
import { Candidates } from '../candidates.js';
import type { RunContext, TrainingContext } from '../context.js';
import { finishFrontier } from '../finish.js';
import { plainValues } from '../frontier.js';
import { LatencyService } from '../latency.js';
import type { TrainingPlan } from '../plan.js';
import { Pool } from '../pool.js';
import { prepareTeacher } from '../teacher.js';
import { train } from '../training.js';
import type { Evaluator, Foresight } from './evaluator.js';

/** Evaluates networks in earnest: measures their latency, then trains them in worker processes. */
export class TrainingEvaluator implements Evaluator {
  private readonly context: TrainingContext;
  private readonly latency: LatencyService;
  private teacher: PreparedTeacher | null = null;

  constructor(context: RunContext, plan: TrainingPlan) {
    const { parallel, retries } = plan.experiment.search;
    const pool = new Pool({ size: parallel, retries });
    this.context = { ...context, plan, pool, candidates: new Candidates(plan) };
    this.latency = new LatencyService(this.context);
  }

  async prepare(): Promise<void> {
    const { plan, stopping } = this.context;
    this.teacher = await prepareTeacher(this.context, plan.experiment.train);
    if (!stopping()) await this.latency.calibrate();
  }

  foresee(isKnown: (trial: number) => boolean): Foresight {
    const { candidates } = this.context;
    const model = this.latency.model(isKnown);
    return {
      cheap: (genotype) => candidates.cheap(genotype, model),
      describe: (genotype) => {
        const prediction = candidates.predict(genotype, model);
        return { network: candidates.network(genotype), ...(prediction === undefined ? {} : { prediction }) };
      },
    };
  }

  async evaluate({ number, genotype, seed }: TrialRecord): Promise<Outcome | undefined> {
    const { plan, candidates } = this.context;
    const { objectives, train: config } = plan.experiment;
    const network = candidates.network(genotype);
    let values: ObjectiveValues = candidates.computed(genotype);
    if (plan.needsLatency) {
      const measured = await this.latency.ofTrial({ genotype, candidate: { network, seed }, trial: number });
      if (measured === undefined) return undefined;
      values = { ...values, latency_ms: { value: measured.ms, provenance: 'measured' } };
    }
    const broken = violated(objectives, plainValues(values));
    if (broken.length > 0) {
      const why = broken.map(({ name }) => `${name} ${format(plainValues(values)[name])} breaks its constraint`);
      return { state: 'pruned', values, message: `before training: ${why.join(', ')}` };
    }
    const request = { stage: 'search', number, network, seed, train: config, teacher: this.teacher } as const;
    const outcome = await train(this.context, request);
    if ('failed' in outcome) return { state: 'failed', values, message: outcome.failed };
    if (outcome.result.state === 'interrupted') return undefined;
    values = { accuracy: { value: outcome.result.accuracy, provenance: 'measured' }, ...values };
    return { state: 'complete', values };
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

const format = (value: number | undefined): string => (value === undefined ? 'unknown' : value.toPrecision(4));
