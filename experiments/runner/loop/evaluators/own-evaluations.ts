import { readFileSync } from 'node:fs';
import { contentHash } from '../../../../base/hash.js';
import { choicesOf } from '../../../../spaces/index.js';
import type { TrialRecord } from '../../../../store/index.js';
import { measureNamed, valuesFrom } from '../../../measures.js';
import type { TrainingContext } from '../../context.js';
import { settledFrontier } from '../../finishing/finish.js';
import { JobFailed, type JobInput } from '../../jobs/job-runner.js';
import type { LatencyService } from '../../latency/latency.js';
import type { AccuracySource, Evaluated } from './accuracy-source.js';

/** A function of the user's says what training would come to; it runs in worker processes, as trainings do. */
export class OwnEvaluations implements AccuracySource {
  readonly epochs = 1;

  private readonly module: JobInput;

  constructor(
    private readonly context: TrainingContext,
    path: string,
  ) {
    this.module = { path, hash: contentHash(readFileSync(path)) };
  }

  prepare(): Promise<void> {
    return Promise.resolve();
  }

  async evaluate({ number, genotype, seed }: TrialRecord): Promise<Evaluated | undefined> {
    const { plan, jobs, store, candidates, observe } = this.context;
    const { objectives } = plan.experiment;
    const names = objectives.map(({ name }) => name).filter((name) => isUntold(name));
    const choices = choicesOf(plan.space.decisions, genotype);
    const subject = { choices, genotype, network: candidates.network(genotype), seed };
    const begin = () => store.trials.start(number);
    begin();
    try {
      const job = { kind: 'evaluate', path: this.module.path, names, subject } as const;
      const order = { id: `evaluate/${number}`, job, sharing: 'shared', inputs: [this.module] } as const;
      const submitted = jobs.submit(order, {
        started: (worker) => observe({ kind: 'trial-started', worker, stage: 'search', number, fromEpoch: 0 }),
        retry: (attempt, attempts, message) => {
          begin();
          store.events.add({ kind: 'retried', trial: number, detail: { stage: 'search', attempt, message } });
          observe({ kind: 'trial-retried', stage: 'search', number, attempt, attempts, message });
        },
      });
      const result = await submitted.result;
      if ('interrupted' in result) return undefined;
      return 'failed' in result ? result : { state: 'complete', values: valuesFrom('training', result.values) };
    } catch (error) {
      if (error instanceof JobFailed) return { failed: error.message };
      throw error;
    }
  }

  /** Nothing is evaluated in part. */
  known(): undefined {
    return undefined;
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
