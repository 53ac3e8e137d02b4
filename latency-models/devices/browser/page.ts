import * as ort from 'onnxruntime-web';
import { Random } from '../../../base/random.js';
import type { Block, BlockShape } from '../../protocol.js';
import type { InputDescription } from '../model-input.js';

/**
 * Runs in the browser's page, not in Node.js: opens models and times their runs. The device talks to it through
 * `globalThis.nas`, in plain data only.
 */
interface OpenModel {
  readonly session: ort.InferenceSession;
  run: () => Promise<unknown>;
  /** Runs timed together as one sample, so that the clock's tick is a small part of it. */
  together: number;
}

/** By the number in its address. */
const models = new Map<number, OpenModel>();

function modelAt(index: number): OpenModel {
  const model = models.get(index);
  if (model === undefined) throw new Error(`model ${index} is not open`);
  return model;
}

/** A sample lasts at least this many ticks of the clock. */
const ticks = 100;

/** The smallest step of the clock in ms: 5 µs in an isolated page, 100 µs elsewhere. */
function clockTick(): number {
  let smallest = Infinity;
  for (let tries = 0; tries < 50; tries++) {
    const before = performance.now();
    let now = before;
    while (now === before) now = performance.now();
    smallest = Math.min(smallest, now - before);
  }
  return smallest;
}

async function open(index: number, provider: string, threads: number): Promise<readonly InputDescription[]> {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.logLevel = 'error';
  const bytes = new Uint8Array(await (await fetch(`/models/${index}`)).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
  });
  models.set(index, { session, run: () => Promise.resolve(), together: 1 });
  return session.inputMetadata.map((input) =>
    input.isTensor ? { name: input.name, type: input.type, shape: input.shape } : { name: input.name },
  );
}

/** Gives a model its input: seeded standard normal values, as on every device. */
function feed(index: number, name: string, shape: readonly number[]): void {
  const random = new Random(0, 'latency-input');
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  const feeds = { [name]: new ort.Tensor('float32', data, shape) };
  const model = modelAt(index);
  model.run = () => model.session.run(feeds);
}

/** Finds out how many runs make a sample. */
async function prepare(index: number): Promise<void> {
  const model = modelAt(index);
  const least = ticks * clockTick();
  for (let tries = 0; tries < 3; tries++) await model.run();
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < model.together; i++) await model.run();
    if (performance.now() - start >= least) return;
    model.together *= 2;
  }
}

/** As `timedRuns`, where a sample is the mean of several runs. */
async function takeBlock(index: number, { blockMs, minRuns, maxRuns }: BlockShape): Promise<Block> {
  const { run, together } = modelAt(index);
  await run();
  const samples: number[] = [];
  const begin = performance.now();
  let now = begin;
  while (samples.length < minRuns || (now - begin < blockMs && samples.length < maxRuns)) {
    const start = performance.now();
    for (let i = 0; i < together; i++) await run();
    now = performance.now();
    samples.push((now - start) / together);
  }
  return { samples, waited: null };
}

async function close(index: number): Promise<void> {
  await modelAt(index).session.release();
  models.delete(index);
}

const isIsolated = (): boolean => (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;

/** What the device may ask of the page. */
const page = { open, feed, prepare, takeBlock, close, isIsolated };
export type Page = typeof page;
Object.assign(globalThis, { nas: page });
