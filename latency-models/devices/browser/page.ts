import * as ort from 'onnxruntime-web';
import { Random } from '../../../base/random.js';
import { product } from '../../../base/statistics.js';
import type { Block, BlockShape } from '../../protocol.js';
import type { BrowserConfig } from '../../schema.js';
import type { InputDescription } from '../onnx-model.js';

// Runs in the browser's page, not in Node.js: opens models and times their runs. The device calls it through
// `globalThis.nas`, with plain data only.

interface OpenModel {
  readonly session: ort.InferenceSession;
  feeds: Readonly<Record<string, ort.Tensor>>;
  /** Runs per sample, so that the clock's tick is a small part of it. */
  together: number;
}

type Setting = Pick<BrowserConfig, 'provider' | 'threads'>;

/** By the index in the model's address. */
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

async function createSession(index: number, { provider, threads }: Setting, enableProfiling: boolean) {
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = '/ort/';
  ort.env.logLevel = 'error';
  const bytes = new Uint8Array(await (await fetch(`/models/${index}`)).arrayBuffer());
  return ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    graphOptimizationLevel: 'all',
    executionMode: 'sequential',
    enableProfiling,
  });
}

async function open(index: number, setting: Setting): Promise<readonly InputDescription[]> {
  const session = await createSession(index, setting, false);
  models.set(index, { session, feeds: {}, together: 1 });
  return session.inputMetadata.map((input) =>
    input.isTensor ? { name: input.name, type: input.type, shape: input.shape } : { name: input.name },
  );
}

/** Sets a model's input to seeded standard normal values, as on every device. */
function feed(index: number, name: string, shape: readonly number[]): void {
  const random = new Random(0, 'latency-input');
  const data = Float32Array.from({ length: product(shape) }, () => random.normal());
  modelAt(index).feeds = { [name]: new ort.Tensor('float32', data, shape) };
}

const run = ({ session, feeds }: OpenModel): Promise<unknown> => session.run(feeds);

/** The first output for some values. */
async function compute(index: number, values: readonly number[], shape: readonly number[]): Promise<number[]> {
  const { session } = modelAt(index);
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor('float32', values, shape) });
  return Array.from(results[session.outputNames[0]].data, Number);
}

/** Runs a model once with the profiler, which writes its events to the console. */
async function profile(index: number, setting: Setting): Promise<void> {
  const session = await createSession(index, setting, true);
  try {
    await session.run(modelAt(index).feeds);
    session.endProfiling();
  } finally {
    await session.release();
  }
}

/** Determines the runs per sample. */
async function prepare(index: number): Promise<void> {
  const model = modelAt(index);
  const least = ticks * clockTick();
  for (let tries = 0; tries < 3; tries++) await run(model);
  for (;;) {
    const start = performance.now();
    for (let i = 0; i < model.together; i++) await run(model);
    if (performance.now() - start >= least) return;
    model.together *= 2;
  }
}

/** As `timedRuns`, where a sample is the mean of several runs. */
async function takeBlock(index: number, { blockMs, minRuns, maxRuns }: BlockShape): Promise<Block> {
  const model = modelAt(index);
  const { together } = model;
  await run(model);
  const samples: number[] = [];
  const begin = performance.now();
  let now = begin;
  while (samples.length < minRuns || (now - begin < blockMs && samples.length < maxRuns)) {
    const start = performance.now();
    for (let i = 0; i < together; i++) await run(model);
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

/** The functions that the device calls. */
const page = { open, feed, compute, profile, prepare, takeBlock, close, isIsolated };
export type Page = typeof page;
Object.assign(globalThis, { nas: page });
