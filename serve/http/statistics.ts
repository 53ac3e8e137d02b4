import type { BatchDone } from '../inference/pool.js';
import type { Model } from '../models/model.js';

interface Times {
  count: number;
  ns: number;
}

interface Counted {
  last: number;
  readonly success: Times;
  readonly queue: Times;
  readonly infer: Times;
  /** Batches by size. */
  readonly batches: Map<number, Times>;
}

const none = (): Times => ({ count: 0, ns: 0 });

function add(times: Times, count: number, ms: number): void {
  times.count += count;
  times.ns += Math.round(ms * 1e6);
}

/** What each model has answered, for the statistics extension of the protocol. */
export class Statistics {
  private readonly models = new Map<string, Counted>();

  add({ model, size, ms, queuedMs }: BatchDone): void {
    const counted = this.of(model);
    counted.last = Date.now();
    add(counted.success, size, queuedMs + size * ms);
    add(counted.queue, size, queuedMs);
    add(counted.infer, size, size * ms);
    let batch = counted.batches.get(size);
    if (batch === undefined) counted.batches.set(size, (batch = none()));
    add(batch, 1, ms);
  }

  /** An entry of `model_stats`, without the parts that the server does not measure (compute_input, compute_output, cache). */
  entry(model: Model) {
    const { last, success, queue, infer, batches } = this.of(model);
    const sizes = [...batches].sort(([a], [b]) => a - b);
    return {
      name: model.name,
      version: String(model.version),
      last_inference: last,
      inference_count: success.count,
      execution_count: sizes.reduce((sum, [, { count }]) => sum + count, 0),
      inference_stats: { success, queue, compute_infer: infer },
      batch_stats: sizes.map(([size, times]) => ({ batch_size: size, compute_infer: times })),
    };
  }

  private of({ sha256 }: Model): Counted {
    let counted = this.models.get(sha256);
    if (counted === undefined)
      this.models.set(
        sha256,
        (counted = { last: 0, success: none(), queue: none(), infer: none(), batches: new Map() }),
      );
    return counted;
  }
}
