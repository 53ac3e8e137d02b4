import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { contentHash } from '../../../base/hash.js';
import type { ClassDetails } from '../../../base/scores.js';
import type { JobListener, JobOrder, JobRunner, SubmittedJob } from '../../../runner/jobs/job-runner.js';
import type { Job, JobOf, ResultOf } from '../../../runner/jobs/jobs.js';
import type { Measurement } from '../../../latency-models/index.js';
import type { EpochMetrics, FitResult } from '../../../trainers/index.js';

/** A number from 0 to 1 for a value: the same for the same value. */
const share = (...of: readonly unknown[]): number => parseInt(contentHash(...of).slice(0, 8), 16) / 2 ** 32;

const details = (classes: number, accuracy: number): ClassDetails => ({
  type: 'classification',
  calibrationError: 0,
  confusion: Array.from({ length: classes }, (_, i) =>
    Array.from({ length: classes }, (_, j) => (i === j ? Math.round(100 * accuracy) : j === (i + 1) % classes ? 1 : 0)),
  ),
});

function curveOf(of: readonly unknown[], epochs: number): EpochMetrics[] {
  return Array.from({ length: epochs }, (_, epoch) => ({
    epoch,
    train_loss: 1 / (epoch + 1),
    train_accuracy: 0.5,
    validation_loss: 1 / (epoch + 1),
    validation_accuracy: 0.3 + 0.5 * share(...of) + (0.1 * epoch) / epochs,
    metrics: { worst_recall: 0.5 * share('recall', ...of), macro_f1: 0.5 * share('f1', ...of) },
    learning_rate: 0.1,
    seconds: 1,
  }));
}

function trained(of: readonly unknown[], epochs: number, until: number, directory: string, classes: number): FitResult {
  const curve = curveOf(of, Math.min(until, epochs));
  const accuracy = curve.at(-1)?.validation_accuracy ?? 0;
  if (until < epochs) return { state: 'paused', accuracy, curve };
  mkdirSync(directory, { recursive: true });
  const weights = join(directory, 'weights.bin');
  writeFileSync(weights, canonical(of));
  return { state: 'complete', accuracy, curve, weights, details: details(classes, accuracy) };
}

const canonical = (of: readonly unknown[]): string => contentHash(...of);

/** A latency for a network; other settings of the device are other circumstances, and other times. */
function measured({ device }: JobOf<'measure'>, candidate: JobOf<'measure'>['candidates'][number]): Measurement {
  const { network, precision = 'fp32' } = candidate;
  const ms = (0.5 + share(network)) * (precision === 'int8' ? 0.8 : 1);
  return {
    ms,
    p50: ms,
    p95: ms,
    p99: null,
    interval: [0.95 * ms, 1.05 * ms],
    converged: true,
    samples: [],
    reliable: true,
    reasons: [],
    provenance: 'measured',
    environment: {
      device: device.type,
      cpu: 'simulated',
      cores: 1,
      threads: 1,
      provider: 'cpu',
      batch: 1,
      runtime: 'simulated',
      load: 0,
      governor: null,
      platform: 'simulated',
    },
  };
}

type Answer<K extends Job['kind']> = (job: JobOf<K>) => ResultOf<JobOf<K>>;

/** The classes of the data of the tests. */
const classes = 10;

const answers: { readonly [K in Job['kind']]: Answer<K> } = {
  teacher: ({ config }) => ({
    type: 'train',
    name: 'simulated',
    hash: contentHash(config),
    accuracy: 0.9,
    chance: { accuracy: 0.1, images: 100 },
    normalisation: null,
    classes: Array.from({ length: classes }, (_, i) => String(i)),
    logits: null,
    model: null,
  }),
  initial: ({ file }) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'simulated');
    return null;
  },
  train: ({ fit: { network, seed, train, until, directory } }) =>
    trained([network, seed], train.epochs, until ?? train.epochs, directory, network.classes),
  supernet: ({ supernet: { space, config, directory } }) =>
    trained([space, 'supernet'], config.epochs, config.epochs, directory, classes),
  member: ({ member }) => {
    const accuracy = 0.3 + 0.5 * share(member.member.network);
    return { accuracy, details: details(member.member.network.classes, accuracy) };
  },
  measure: (job) => job.candidates.map((candidate) => measured(job, candidate)),
  evaluate: ({ names, subject, epochs }) => ({
    values: Object.fromEntries(names.map((name) => [name, 0.3 + 0.5 * share(name, subject.choices) + 0.01 * epochs])),
  }),
  export: ({ candidate, quantization }) => {
    const accuracy = 0.3 + 0.5 * share(candidate.network, quantization ?? null);
    const of = details(candidate.network.classes, accuracy);
    return {
      bytes: 1000,
      sha256: contentHash(candidate),
      accuracy: { validation: accuracy, test: accuracy },
      details: { validation: of, test: of },
    };
  },
  quantize: ({ candidate, calibration }) => {
    const fp32 = 0.3 + 0.5 * share(candidate.network);
    const int8 = fp32 - 0.02 * share('int8', candidate.network);
    const of = details(candidate.network.classes, int8);
    return {
      method: calibration.methods[0],
      accuracy: { fp32, int8 },
      scores: { accuracy: int8, loss: 1, count: 100, details: of },
      tried: [],
      images: calibration.images,
    };
  },
  integers: () => 'exact',
  instructions: ({ candidate }) => ({ instructions: 1e6 * (1 + share(candidate.network)) }),
};

async function turnsLater(turns: number): Promise<void> {
  for (let i = 0; i < turns; i++) await setImmediate();
}

/** Answers every job of a run at once, by a function of the job, and keeps the orders: only where jobs run is simulated. */
export class SimulatedRunner implements JobRunner {
  readonly orders: JobOrder[] = [];
  private stopped = false;

  submit<J extends Job>(order: JobOrder<J>, listener: JobListener = {}): SubmittedJob<ResultOf<J>> {
    this.orders.push(structuredClone(order));
    const { job } = order;
    const answer = answers[job.kind] as Answer<J['kind']>;
    // Later jobs may end before earlier ones, always in the same order.
    const turns = Math.floor(20 * share(order.id));
    const result = turnsLater(turns).then(() => {
      if (this.stopped) throw new Error('stopped');
      listener.started?.({ index: 0 });
      return answer(job);
    });
    return { result, cancel: () => undefined };
  }

  stop(): void {
    this.stopped = true;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
