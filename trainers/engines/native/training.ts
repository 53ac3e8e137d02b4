import {
  type Buffer,
  type NativeLibrary,
  type NativeNetwork,
  NativeProgram,
  type Pass,
  type Sequence,
  sliceOf,
} from '../../../compiler/native/index.js';
import { product } from '../../../base/statistics.js';
import type { Network } from '../../../spaces/index.js';
import { headSpecs, slicedTo } from '../../../spaces/models/index.js';
import { averageDecay } from '../../optimizers/index.js';
import { type EngineState, oneByOne, type SingleStep, type TrainingEngine } from '../engine.js';
import { type Learning, type Place, placesOf } from './learning.js';
import { compileInferenceTail, type HeadWeights, type InferenceTail } from './tail.js';

/** Number of ranges into which a batch is cut, each with its own sums. Another number gives other last bits. */
export const chunks = 4;

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

/** The name in the arrays of a weight of a network. */
export type WeightNames = (name: string) => string;

/** A training to open. */
export interface NativePlan {
  readonly learning: Learning;
  /** The network that is evaluated. */
  readonly network: Network;
  /** The names of its weights among those in the arrays; absent: its own. */
  readonly nameOf?: WeightNames;
  readonly passes: NativeNetwork;
  /** Passes of a step that are the same in each. */
  readonly training: Sequence;
  /** Further kept buffers. The buffers of weights, gradients and optimizer slots are kept anyway. */
  readonly kept?: readonly Buffer[];
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

/** The number of features of a network's passes. */
export const featuresOf = ({ features }: NativeNetwork, batch: number): number => features.floats / batch;

const inference = 1;

const own: WeightNames = (name) => name;

/** The states of a training in the arena of a program, and its evaluation. Steps are run by its owner. */
export class NativeTraining {
  /** Sequence 0: `training`. */
  readonly program: NativeProgram;
  private readonly places: ReadonlyMap<string, Place>;
  /** The calls run one after another. */
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly plan: NativePlan,
    private readonly tail: InferenceTail,
    private readonly options: NativeOptions,
  ) {
    const { learning, passes, training, kept = [] } = plan;
    const { arrays, updates, average } = learning;
    const [{ buffer: weights }] = arrays.weights.values();
    const infer = passes.passes.inference;
    this.program = new NativeProgram(
      options.library,
      [training, [average === null ? infer : reading(infer, weights, average.buffer)]],
      [
        ...[
          passes.images,
          passes.features,
          passes.featureGradients,
          weights,
          updates.scalars,
          ...updates.kept,
          ...kept,
        ],
        ...(average === null ? [] : [average.buffer]),
      ],
      { threads: options.threads, chunks },
    );
    this.places = placesOf(learning);
    this.start();
  }

  static async open(plan: NativePlan, options: NativeOptions): Promise<NativeTraining> {
    const tail = await compileInferenceTail(plan.network, featuresOf(plan.passes, options.batch));
    return new NativeTraining(plan, tail, options);
  }

  /** Its engine. @param dispose frees what the step needs */
  engine(step: SingleStep, dispose: () => Promise<void>): TrainingEngine {
    return {
      kind: 'native',
      name: `native (${this.options.library.isa})`,
      ...oneByOne((update, number) => this.inOrder(() => step(update, number))),
      evaluate: (images, size) => this.inOrder(() => this.evaluate(images, size)),
      state: () => this.inOrder(() => Promise.resolve(this.state())),
      load: (state) =>
        this.inOrder(() => {
          this.load(state);
          return Promise.resolve();
        }),
      dispose: () =>
        this.inOrder(async () => {
          await dispose();
          await this.tail.dispose();
        }),
    };
  }

  /** Sets what the updates of a step read besides gradients. */
  prepare(learningRate: number, step: number): void {
    const { spec, updates } = this.plan.learning;
    const scalars = this.program.view(updates.scalars);
    updates.prepare(scalars, learningRate);
    scalars[1] = averageDecay(step, spec);
  }

  /** The weights of a network's head: the whole arrays, or their parts. */
  headOf(network: Network, nameOf: WeightNames = own, prefix: 'model' | 'average' = 'model'): HeadWeights {
    return new Map(
      headSpecs(network).flatMap(({ name, shape }) => {
        const place = this.places.get(`${prefix}/${nameOf(name)}`);
        if (place === undefined) return [];
        const data = this.program.view(place.memory);
        return [[name, String(place.shape) === String(shape) ? data : slicedTo({ ...place, data }, shape).data]];
      }),
    );
  }

  private async evaluate(images: Float32Array, size: number): Promise<Float32Array> {
    const { program, tail } = this;
    const { passes, network, nameOf, learning } = this.plan;
    const { batch } = this.options;
    const [pixels, width] = [passes.images.floats / batch, featuresOf(passes, batch)];
    const features = new Float32Array(size * width);
    for (let from = 0; from < size; from += batch) {
      const count = Math.min(batch, size - from);
      program.view(passes.images).set(images.subarray(from * pixels, (from + count) * pixels));
      await program.run(inference, 0, count);
      features.set(program.view(passes.features).subarray(0, count * width), from * width);
    }
    return tail.logits(features, this.headOf(network, nameOf, learning.average === null ? 'model' : 'average'));
  }

  private state(): EngineState {
    const copy = ({ shape, memory }: Place) => ({ shape, data: this.program.view(memory).slice() });
    return new Map([...this.places].map(([name, place]) => [name, copy(place)]));
  }

  private load(state: EngineState): void {
    for (const [name, { shape }] of this.places) {
      const value = state.get(name);
      if (value === undefined) throw new Error(`there is no value for ${name}`);
      if (String(value.shape) !== String(shape))
        throw new Error(`${name} has shape [${value.shape}], expected [${shape}]`);
    }
    for (const [name, { memory }] of this.places) this.program.view(memory).set(state.get(name)?.data ?? []);
  }

  /** The values before the first step. */
  private start(): void {
    const { program } = this;
    const { specs, start, updates } = this.plan.learning;
    for (const { name, shape } of specs) {
      const value = start.get(name);
      if (value?.data.length !== product(shape)) throw new Error(`there is no value of shape [${shape}] for ${name}`);
      for (const prefix of ['model', 'average']) {
        const place = this.places.get(`${prefix}/${name}`);
        if (place !== undefined) program.view(place.memory).set(value.data);
      }
    }
    for (const { memory, fill } of updates.slots) program.view(memory).fill(fill);
  }

  private inOrder<T>(call: () => Promise<T>): Promise<T> {
    const result = this.last.then(call);
    this.last = result.catch(() => undefined);
    return result;
  }
}
