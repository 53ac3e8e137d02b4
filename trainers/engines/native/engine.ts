import {
  type Buffer,
  type NativeLibrary,
  type NativeNetwork,
  NativeProgram,
  type Pass,
  type Slice,
  sliceOf,
} from '../../../compiler/native/index.js';
import { product } from '../../../base/statistics.js';
import type { Network } from '../../../spaces/index.js';
import { headSpecs, type Weights, type WeightSpec, weightSpecs } from '../../../spaces/models/index.js';
import { planNetwork } from '../../native/index.js';
import { averageDecay } from '../../optimizers/index.js';
import { freshWeights } from '../../weights.js';
import { type EngineState, oneByOne, type StepMetrics, type TrainingEngine, type Update } from '../engine.js';
import type { ProgramSpec } from '../network-program.js';
import { staysOf } from '../variables.js';
import { compileTail, type Tail } from './tail.js';
import { averagePasses, type Parameter, type Updates, updatesOf } from './updates.js';

/** Number of ranges into which a batch is cut, each with its own sums. Another number gives other last bits. */
const chunks = 4;

export interface NativeOptions {
  readonly library: NativeLibrary;
  /** Images in each training batch. */
  readonly batch: number;
  readonly threads: number;
}

/** What the engine does not train, and why. */
export interface Unsupported {
  readonly unsupported: string;
}

type NativeSpec = ProgramSpec & { readonly network: Network };

const isOfSpace = (spec: ProgramSpec): spec is NativeSpec => !('apply' in spec.network);

/** A training as the engine plans it. */
interface Plan {
  readonly spec: NativeSpec;
  readonly network: NativeNetwork;
  readonly specs: readonly WeightSpec[];
  readonly start: Weights;
  readonly updates: Updates;
  /** The moving average of the weights, at the positions of the weights; null: there is none. */
  readonly average: { readonly buffer: Buffer; readonly passes: readonly Pass[] } | null;
}

/** The plan of a training, or why the engine does not train it. */
export function planNative(spec: ProgramSpec, batch: number): Plan | Unsupported {
  if (!isOfSpace(spec)) return { unsupported: 'the network comes from a file' };
  if (spec.precision === 'mixed') return { unsupported: 'train.precision is mixed' };
  if (spec.quantization !== undefined) return { unsupported: 'the training rounds its weights' };
  const specs = weightSpecs(spec.network);
  const start = spec.initial ?? freshWeights(specs, spec.seed, spec.stem);
  const stays = staysOf({ ...spec, start });
  const frozen = new Set(specs.filter(stays).map(({ name }) => name));
  const network = planNetwork(spec.network, { batch, chunks, frozen });
  if ('unsupported' in network) return network;
  const parameters = specs.flatMap((own): Parameter[] => {
    const [weight, gradient] = [network.weights.get(own.name), network.gradients.get(own.name)];
    if (weight === undefined || gradient === undefined) return [];
    return [{ spec: own, weight, gradient, rate: spec.rates?.get(own.name) ?? 1 }];
  });
  const averaged = specs.flatMap((own) => (stays(own) ? [] : [sliceIn(network.weights, own.name)]));
  const updates = updatesOf(spec.optimizer, parameters);
  return { spec, network, specs, start, updates, average: spec.ema > 0 ? averageOf(averaged, updates) : null };
}

function averageOf(weights: readonly Slice[], { scalars }: Updates): NonNullable<Plan['average']> {
  const buffer = { name: 'average', floats: weights[0].buffer.floats, kept: true };
  return { buffer, passes: averagePasses(weights, buffer, scalars) };
}

function sliceIn(slices: ReadonlyMap<string, Slice>, name: string): Slice {
  const slice = slices.get(name);
  if (slice === undefined) throw new Error(`the native passes have no weight ${name}`);
  return slice;
}

/** The same passes on another array of weights. */
const reading = (passes: readonly Pass[], from: Buffer, to: Buffer): readonly Pass[] =>
  passes.map(
    (pass) =>
      // Only the buffers of fields change.
      Object.fromEntries(
        Object.entries(pass).map(([name, value]) => {
          if (typeof value !== 'object' || sliceOf(value).buffer !== from) return [name, value];
          return [name, { ...sliceOf(value), buffer: to }];
        }),
      ) as Pass,
  );

/** A value of the state in the arena. */
interface Place {
  readonly shape: readonly number[];
  readonly memory: Slice;
}

/** Every state by its name in checkpoints, in the order of the other engines. */
function placesOf({ network, specs, average, updates }: Plan): Map<string, Place> {
  const weights = specs.map(({ name, shape }) => [name, shape, sliceIn(network.weights, name)] as const);
  const averages = average === null ? [] : weights;
  return new Map([
    ...weights.map(([name, shape, memory]) => [`model/${name}`, { shape, memory }] as const),
    ...averages.map(
      ([name, shape, memory]) =>
        [`average/${name}`, { shape, memory: { ...memory, buffer: average?.buffer ?? memory.buffer } }] as const,
    ),
    ...updates.slots.map(({ name, shape, memory }) => [`optimizer/${name}`, { shape, memory }] as const),
  ]);
}

const [training, inference] = [0, 1];

/** Runs a training by passes of the native library; what follows the features of the network is a compiled program. */
class NativeTraining {
  private readonly program: NativeProgram;
  private readonly places: ReadonlyMap<string, Place>;
  private readonly head: readonly string[];
  /** The calls run one after another. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly plan: Plan,
    private readonly tail: Tail,
    private readonly options: NativeOptions,
  ) {
    const { network, updates, average, specs } = plan;
    const { forward, backward, inference: infer } = network.passes;
    const [{ buffer: weights }] = network.weights.values();
    const kept = [
      network.images,
      network.features,
      network.featureGradients,
      weights,
      updates.scalars,
      ...updates.kept,
    ];
    this.program = new NativeProgram(
      options.library,
      [
        [forward, [...backward, ...updates.passes, ...(average?.passes ?? [])]],
        [average === null ? infer : reading(infer, weights, average.buffer)],
      ],
      average === null ? kept : [...kept, average.buffer],
      { threads: options.threads, chunks },
    );
    this.places = placesOf(plan);
    this.head = headSpecs(plan.spec.network).map(({ name }) => name);
    this.start(specs);
  }

  step({ batch, learningRate }: Update, step: number): Promise<StepMetrics> {
    const { program, plan, tail, options } = this;
    const { network, updates, spec } = plan;
    return this.inOrder(async () => {
      program.view(network.images).set(batch.images);
      await program.run(training, 0, options.batch);
      const result = await tail.gradients(program.view(network.features), batch, this.headWeights('model'), step);
      program.view(network.featureGradients).set(result.features);
      for (const [name, gradient] of result.weights) program.view(sliceIn(network.gradients, name)).set(gradient);
      const scalars = program.view(updates.scalars);
      updates.prepare(scalars, learningRate);
      scalars[1] = averageDecay(step, spec.ema);
      await program.run(training, 1, options.batch);
      return { loss: result.loss, correct: result.correct };
    });
  }

  evaluate(images: Float32Array, size: number): Promise<Float32Array> {
    const { program, plan, tail, options } = this;
    const { network } = plan;
    return this.inOrder(async () => {
      const [pixels, width] = [network.images, network.features].map(({ floats }) => floats / options.batch);
      const features = new Float32Array(size * width);
      for (let from = 0; from < size; from += options.batch) {
        const count = Math.min(options.batch, size - from);
        program.view(network.images).set(images.subarray(from * pixels, (from + count) * pixels));
        await program.run(inference, 0, count);
        features.set(program.view(network.features).subarray(0, count * width), from * width);
      }
      return tail.logits(features, this.headWeights(plan.average === null ? 'model' : 'average'));
    });
  }

  state(): Promise<EngineState> {
    return this.inOrder(() =>
      Promise.resolve(
        new Map(
          [...this.places].map(([name, { shape, memory }]) => [
            name,
            { shape, data: this.program.view(memory).slice() },
          ]),
        ),
      ),
    );
  }

  load(state: EngineState): Promise<void> {
    return this.inOrder(() => {
      for (const [name, { shape }] of this.places) {
        const value = state.get(name);
        if (value === undefined) throw new Error(`there is no value for ${name}`);
        if (String(value.shape) !== String(shape))
          throw new Error(`${name} has shape [${value.shape}], expected [${shape}]`);
      }
      for (const [name, { memory }] of this.places) this.program.view(memory).set(state.get(name)?.data ?? []);
      return Promise.resolve();
    });
  }

  dispose(): Promise<void> {
    return this.inOrder(() => this.tail.dispose());
  }

  /** The values before the first step. */
  private start(specs: readonly WeightSpec[]): void {
    const { plan, program } = this;
    for (const { name, shape } of specs) {
      const value = plan.start.get(name);
      if (value?.data.length !== product(shape)) throw new Error(`there is no value of shape [${shape}] for ${name}`);
      for (const prefix of ['model', 'average']) {
        const place = this.places.get(`${prefix}/${name}`);
        if (place !== undefined) program.view(place.memory).set(value.data);
      }
    }
    for (const { memory, fill } of plan.updates.slots) program.view(memory).fill(fill);
  }

  private headWeights(prefix: 'model' | 'average'): ReadonlyMap<string, Float32Array> {
    return new Map(
      this.head.flatMap((name) => {
        const place = this.places.get(`${prefix}/${name}`);
        return place === undefined ? [] : [[name, this.program.view(place.memory)] as const];
      }),
    );
  }

  private inOrder<T>(call: () => Promise<T>): Promise<T> {
    const result = this.last.then(call);
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** An engine of a training that `planNative` has planned. */
export async function createNativeEngine(plan: Plan, options: NativeOptions): Promise<TrainingEngine> {
  const { spec, network } = plan;
  const width = network.features.floats / options.batch;
  const tail = await compileTail(spec.network, spec, options.batch, width, (name) => network.gradients.has(name));
  const own = new NativeTraining(plan, tail, options);
  return {
    kind: 'native',
    name: `native (${options.library.isa})`,
    ...oneByOne((update, step) => own.step(update, step)),
    evaluate: (images, size) => own.evaluate(images, size),
    state: () => own.state(),
    load: (state) => own.load(state),
    dispose: () => own.dispose(),
  };
}
