import { choicesOf } from '../../../../spaces/index.js';
import type { TrialRecord } from '../../../../store/index.js';
import { measureNamed, valuesFrom } from '../../../schema/measures.js';
import type { TrainingContext } from '../../context.js';
import { settledFrontier } from '../../finishing/frontier.js';
import type { LatencyService } from '../../latency/latency.js';
import type { AccuracySource, Evaluated } from './accuracy-source.js';
import { trialJob } from './trial-job.js';

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
