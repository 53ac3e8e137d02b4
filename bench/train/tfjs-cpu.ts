import { performance } from 'node:perf_hooks';
import { createEngine, engineSchema, type TimedNetwork } from '../../trainers/index.js';
import { learningRate, randomBatch, specOf } from '../../trainers/timing/time-step.js';

/** Milliseconds of one step of the same training on TF.js's own cpu backend. */
export async function timeTfjsCpu(timed: TimedNetwork): Promise<number> {
  const engine = await createEngine(engineSchema.parse({ type: 'eager', backend: 'cpu' }), () => specOf(timed), {
    threads: 1,
    batch: timed.batch,
  });
  const start = performance.now();
  await engine.train([{ batch: randomBatch(timed), learningRate }], 0);
  return performance.now() - start;
}
