import { performance } from 'node:perf_hooks';
import type * as ort from 'onnxruntime-node';
import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { sum } from '../../base/statistics.js';
import { createSession, resolveTarget } from '../../compiler/index.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { CompiledTraining } from '../../trainers/engines/compiled.js';
import {
  activateBackend,
  chooseEngine,
  createEngine,
  type EngineBatch,
  nativeForAuto,
} from '../../trainers/engines/index.js';
import { planNative } from '../../trainers/engines/native/engine.js';
import { createNetworkProgram, type ProgramSpec } from '../../trainers/engines/network-program.js';
import { lossSchema } from '../../trainers/schema/loss.js';
import { trainSchema } from '../../trainers/schema/recipe.js';
import { median } from '../../latency-models/statistics.js';
import type { TimedNetwork, StepTiming, TimingJob } from './timing.js';

const seed = 1;
export const learningRate = 0.05;

/** Distillation as in Hinton et al. 2015, half and half with cross-entropy; SGD with momentum and weight decay. */
export const specOf = ({ network }: TimedNetwork): ProgramSpec => ({
  network,
  seed,
  loss: lossSchema.parse({ type: 'kd', temperature: 4, alpha: 0.5 }),
  optimizer: trainSchema.parse({
    optimizer: { type: 'sgd', learning_rate: learningRate, momentum: 0.9, nesterov: false, weight_decay: 1e-4 },
  }).optimizer,
  ema: 0,
});

/** Normal images, random labels, normal teacher logits; deterministic. */
export function randomBatch({ batch, network: { input, classes } }: TimedNetwork): EngineBatch {
  const random = new Random(seed, 'timing batch');
  const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const labels = new Float32Array(batch * classes);
  for (let row = 0; row < batch; row++) labels[row * classes + random.int(classes)] = 1;
  return { images: normal(batch * input[0] * input[1] * input[2]), labels, teacher: normal(batch * classes) };
}

/**
 * Times a network's training step as in `nas run`: forward, 0.5 cross-entropy + 0.5 T^2 KL to given teacher logits,
 * backward, SGD with momentum and weight decay, batch norm statistics.
 */
export const timeStep = async (job: TimingJob): Promise<StepTiming> =>
  job.engine === 'native' || (job.engine === 'auto' && (await takesNative(job))) ? timeNative(job) : timeCompiled(job);

/** Whether `auto` takes the native engine. */
async function takesNative({ timed, provider, blocked, profile }: TimingJob): Promise<boolean> {
  if (provider !== 'cpu' || !blocked || profile || 'reason' in (await nativeForAuto())) return false;
  return !('unsupported' in planNative(specOf(timed), timed.batch));
}

async function timeNative(job: TimingJob): Promise<StepTiming> {
  const { timed, threads, warmup, steps } = job;
  if (job.profile)
    throw invalidInput('profiles are of the compiled engine: they are times of operators of ONNX Runtime');
  const batch = randomBatch(timed);
  const begin = performance.now();
  const engine = await createEngine({ type: 'native', isa: null }, () => specOf(timed), {
    threads,
    batch: timed.batch,
  });
  const startup = performance.now() - begin;
  if (engine.instead !== undefined) throw invalidInput(`the native engine does not train it: ${engine.instead}`);
  const samples: number[] = [];
  for (let i = 0; i < warmup + steps; i++) {
    const start = performance.now();
    const [{ loss }] = await engine.train([{ batch, learningRate }], i);
    if (i >= warmup) samples.push(performance.now() - start);
    if (!Number.isFinite(loss)) throw new Error(`the loss of run ${i} is ${loss}`);
  }
  const memory = process.resourceUsage().maxRSS / 1024;
  const params = sum(
    [...(await engine.state())].filter(([name]) => name.startsWith('optimizer/')).map(([, { data }]) => data.length),
  );
  const evaluate = (): Promise<unknown> => engine.evaluate(batch.images, timed.batch);
  const evaluation = job.evaluation ? await timeEvaluation(job, evaluate, batch.images) : null;
  await engine.dispose();
  return { engine: 'native', samples, startup_ms: startup, params, memory_mib: memory, profile: null, evaluation };
}

async function timeCompiled(job: TimingJob): Promise<StepTiming> {
  const { timed, provider, warmup, steps } = job;
  await chooseEngine({ type: 'compiled', provider });
  await activateBackend();
  const program = createNetworkProgram(specOf(timed));
  const batch = randomBatch(timed);
  const target = await resolveTarget(job);
  const { stepsAtOnce } = target;
  const training = new CompiledTraining(program, { target, batch: timed.batch });
  const feeds = (first: number) =>
    Array.from({ length: stepsAtOnce }, (_, i) => training.feeds({ batch, learningRate }, first + i));
  const begin = performance.now();
  const step = await training.compileStep();
  const startup = performance.now() - begin;
  const samples: number[] = [];
  for (let i = 0; i < warmup + steps; i++) {
    const start = performance.now();
    const results = await step.runSteps(feeds(i * stepsAtOnce), i * stepsAtOnce);
    if (i >= warmup) samples.push((performance.now() - start) / stepsAtOnce);
    const wrong = results.map(({ loss }) => loss.data[0]).find((loss) => !Number.isFinite(loss));
    if (wrong !== undefined) throw new Error(`a loss of run ${i} is ${wrong}`);
  }
  const memory = process.resourceUsage().maxRSS / 1024;
  const profile = job.profile ? await step.profile(training.feeds({ batch, learningRate }, 0), steps, warmup) : null;
  return {
    engine: 'compiled',
    samples,
    startup_ms: startup,
    params: sum([...program.states].filter(([name]) => name.startsWith('optimizer/')).map(([, { size }]) => size)),
    memory_mib: memory,
    profile: profile && [...profile.nodes],
    evaluation: job.evaluation ? await timeEvaluation(job, evaluationBy(training, batch), batch.images) : null,
  };
}

function evaluationBy(training: CompiledTraining, { images }: EngineBatch): () => Promise<unknown> {
  const inference = training.compileEvaluation();
  return () => inference.run({ images });
}

/** Images a second of evaluation during training, and of the exported model in a plain session, measured alternately. */
async function timeEvaluation(
  { timed, provider, threads, steps, warmup }: TimingJob,
  evaluate: () => Promise<unknown>,
  images: Float32Array,
): Promise<StepTiming['evaluation']> {
  const { network } = timed;
  const exported = await createSession(toOnnx({ network, weights: initialWeights(network, seed) }), {
    provider,
    threads,
  });
  const { Tensor } = await import('onnxruntime-node');
  const input: ort.Tensor = new Tensor('float32', images, [timed.batch, ...network.input]);
  const times = { ours: [] as number[], exported: [] as number[] };
  for (let i = 0; i < warmup + steps; i++) {
    const start = performance.now();
    await evaluate();
    const middle = performance.now();
    await exported.run({ input });
    if (i < warmup) continue;
    times.ours.push(middle - start);
    times.exported.push(performance.now() - middle);
  }
  const rate = (ms: readonly number[]): number => (timed.batch * 1e3) / median(ms);
  await exported.release();
  return { ours: rate(times.ours), exported: rate(times.exported) };
}
