// One measurement, in a process of its own: clean memory, nothing left of another network. Started by launch.ts.
import { performance } from 'node:perf_hooks';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { compile } from '../../compiler/index.js';
import { toModel } from '../../spaces/index.js';
import type { Job, Measurement } from './job.js';
import { median } from './report.js';
import { parametersOf, randomBatch, trainingStep } from './step.js';

const seed = 1;

/** The compiled step: median over `steps` after `warmup`. */
async function measureCompiled({ benchmark, threads, steps, warmup }: Job): Promise<Measurement> {
  const model = toModel(benchmark.network, { seed });
  const batch = randomBatch(benchmark, seed);
  const inputs = Object.fromEntries(Object.entries(batch).map(([name, { shape }]) => [name, { shape }]));
  const start = performance.now();
  const program = await compile(trainingStep(model), inputs, { threads });
  const startup = performance.now() - start;
  const times: number[] = [];
  let loss = Number.NaN;
  for (let step = 0; step < warmup + steps; step++) {
    const before = performance.now();
    const outputs = await program.run(batch, step);
    times.push(performance.now() - before);
    loss = outputs['loss'].data[0];
  }
  await program.dispose();
  return finish(times.slice(warmup), startup, loss, parametersOf(model));
}

/** The same step, run eagerly on TF.js's cpu backend. */
function measureEager({ benchmark, steps, warmup }: Job): Measurement {
  const model = toModel(benchmark.network, { seed });
  const step = trainingStep(model);
  const batch = randomBatch(benchmark, seed);
  const times: number[] = [];
  let loss = Number.NaN;
  for (let i = 0; i < warmup + steps; i++) {
    const before = performance.now();
    loss = tf.tidy(() => {
      const inputs = Object.entries(batch).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]);
      return step(Object.fromEntries(inputs) as Record<string, tf.Tensor>).loss.dataSync()[0];
    });
    times.push(performance.now() - before);
  }
  return finish(times.slice(warmup), 0, loss, parametersOf(model));
}

function finish(times: readonly number[], startup: number, loss: number, parameters: number): Measurement {
  if (!Number.isFinite(loss)) throw new Error(`the loss after the timed steps is ${loss}`);
  return { ms: median(times), startup, parameters, memory: process.resourceUsage().maxRSS / 1024 };
}

const job = JSON.parse(process.argv[2] ?? '') as Job;
await tf.setBackend('cpu');
const measurement = job.engine === 'compiled' ? await measureCompiled(job) : measureEager(job);
process.send?.(measurement, () => process.disconnect());
