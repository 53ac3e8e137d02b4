import { Tensor, type InferenceSession } from 'onnxruntime-node';
import { imageShape, type ImageLayout } from '../../compiler/runtime/classifier/inputs-outputs.js';
import type { ImageSize, Model, Normalisation } from '../models/model.js';
import { sameSize, valueCount } from './image-size.js';
import { normaliser, type Normaliser } from './normalise.js';
import { openSession } from './open-session.js';
import { resampler } from './resample.js';
import type { Input } from './types.js';

/** What a batch gave. */
export interface Outcome {
  /** [images, classes] */
  readonly outputs: Float32Array;
  /** Milliseconds that it took. */
  readonly ms: number;
}

interface Network {
  readonly model: Model;
  readonly session: InferenceSession;
  /** Of one image, in the network's layout. */
  readonly shape: readonly number[];
  readonly values: number;
  /** Null: it takes no pixels. */
  readonly fill: Normaliser | null;
}

/** The networks of a frontier, open on the calling thread, which computing them blocks: one thread each, no spinning. */
export class Engine {
  /** Inputs of the running batch: ONNX Runtime takes no memory that threads share, so that they are copied once, normalised. */
  private values = new Float32Array(0);

  private constructor(private readonly networks: readonly Network[]) {}

  /**
   * @param size of images as pixels; null: there will be none
   * @throws NasError `invalid-input` when ONNX Runtime does not accept a model, or its file is not that which was read
   */
  static async open(models: readonly Model[], size: ImageSize | null): Promise<Engine> {
    return new Engine(await Promise.all(models.map((model) => openNetwork(model, size))));
  }

  /**
   * Computes one network on images; one batch at a time. Values that are not numbers (NaN) give outputs that are none.
   * @param network index among the models
   * @param inputs each checked before: of the size, or as many values as the network takes
   * @throws Error when the network fails, or gives something other than a number for each class
   */
  async run(network: number, inputs: readonly Input[]): Promise<Outcome> {
    const { model } = this.networks[network];
    return model.batch === null
      ? this.runPart(this.networks[network], inputs, inputs.length)
      : this.runParts(this.networks[network], inputs, model.batch);
  }

  async close(): Promise<void> {
    await Promise.all(this.networks.map(({ session }) => session.release()));
  }

  /** Of a network that takes one batch size only: the last part is filled up with zeros. */
  private async runParts(network: Network, inputs: readonly Input[], size: number): Promise<Outcome> {
    const classes = network.model.classes.length;
    const outputs = new Float32Array(inputs.length * classes);
    let ms = 0;
    for (let start = 0; start < inputs.length; start += size) {
      const part = await this.runPart(network, inputs.slice(start, start + size), size);
      outputs.set(part.outputs.subarray(0, (inputs.length - start) * classes), start * classes);
      ms += part.ms;
    }
    return { outputs, ms };
  }

  private async runPart(network: Network, inputs: readonly Input[], size: number): Promise<Outcome> {
    const { session, model, shape, values } = network;
    let began = performance.now();
    const feed = this.fill(network, inputs, size);
    const filledMs = performance.now() - began;
    // ONNX Runtime computes in the next `setImmediate`: what else this thread does until then is not the batch's time.
    setImmediate(() => (began = performance.now()));
    const results = await session.run({ [model.input]: new Tensor('float32', feed, [size, ...shape]) }, [model.output]);
    const ms = filledMs + performance.now() - began;
    const { data } = results[model.output];
    if (data instanceof Float32Array && data.length === size * model.classes.length) return { outputs: data, ms };
    throw new Error(
      `'${model.name}' gave ${data.length} values for ${size} images of ${values} values and ${model.classes.length} classes`,
    );
  }

  private fill({ model, values, fill }: Network, inputs: readonly Input[], size: number): Float32Array {
    if (this.values.length < size * values) this.values = new Float32Array(size * values);
    for (const [i, { kind, data }] of inputs.entries())
      if (kind === 'values') this.values.set(data, i * values);
      else if (fill !== null) fill(data, this.values, i * values);
      else throw new Error(`'${model.name}' takes no pixels`);
    this.values.fill(0, inputs.length * values, size * values);
    return this.values.subarray(0, size * values);
  }
}

async function openNetwork(model: Model, size: ImageSize | null): Promise<Network> {
  const { layout, normalisation } = model;
  const session = await openSession(model);
  const [height, width, channels] = model.size;
  return {
    model,
    session,
    shape: imageShape[layout]({ height, width, channels }),
    values: valueCount(model.size),
    fill: size === null || normalisation === null ? null : fillFrom(size, model.size, layout, normalisation),
  };
}

/** Of images of one size, stretched to the network's own. */
function fillFrom(size: ImageSize, own: ImageSize, layout: ImageLayout, normalisation: Normalisation): Normaliser {
  const normalise = normaliser(own, layout, normalisation);
  if (sameSize(size, own)) return normalise;
  const resample = resampler(size, own);
  return (pixels, values, at) => normalise(resample(pixels), values, at);
}
