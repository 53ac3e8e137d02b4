import { rmSync } from 'node:fs';
import { join } from 'node:path';
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
import { checkpointFile, trialFolder } from '../workdir.js';
import type { Evaluator, Foresight, Paused } from './evaluator.js';

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

  get epochs(): number {
    return this.context.plan.experiment.train.epochs;
  }

  async evaluate({ number, genotype, seed }: TrialRecord, until: number): Promise<Outcome | Paused | undefined> {
    const { plan, candidates } = this.context;
    const { objectives, train: config } = plan.experiment;
    const network = candidates.network(genotype);
    let values: ObjectiveValues = candidates.computed(genotype);
    if (plan.needsLatency) {
      const latency = await this.latency.ofTrial({ genotype, candidate: { network, seed }, trial: number });
      if (latency === undefined) return undefined;
      if ('failed' in latency) return { state: 'failed', values, message: latency.failed };
      values = { ...values, latency_ms: latency };
    }
    const broken = violated(objectives, plainValues(values));
    if (broken.length > 0) {
      const why = broken.map(({ name }) => `${name} ${format(plainValues(values)[name])} breaks its constraint`);
      return { state: 'pruned', values, message: `before training: ${why.join(', ')}` };
    }
    const request = { stage: 'search', number, network, seed, train: config, teacher: this.teacher } as const;
    const outcome = await train(this.context, { ...request, until });
    if ('failed' in outcome) return { state: 'failed', values, message: outcome.failed };
    if (outcome.result.state === 'interrupted') return undefined;
    return { state: outcome.result.state, values: { ...accuracy(outcome.result.accuracy), ...values } };
  }

  recall({ number, genotype }: TrialRecord, epochs: number): ObjectiveValues | undefined {
    const { store, candidates } = this.context;
    const last = store.curves.of({ stage: 'search', trial: number }).find(({ epoch }) => epoch === epochs - 1);
    if (last === undefined) return undefined;
    const latency = this.latency.known(number);
    return {
      ...accuracy(last.validationAccuracy),
      ...candidates.computed(genotype),
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

const format = (value: number | undefined): string => (value === undefined ? 'unknown' : value.toPrecision(4));
