import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { imageShape, joined } from '../../compiler/runtime/classifier/inputs-outputs.js';
import { outputCount, outputsOf, renderingOf, type Model } from '../models/model.js';
import { partFor, pixelLayout, type PixelLayout } from './pixel-layout.js';
import { valueCount } from './inputs.js';
import { normaliser, type Normaliser } from './normaliser.js';
import type { Input } from './pool.js';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { invalidInput, messageOf } from '../../base/errors.js';
import { product } from '../../base/statistics.js';
import { createSession } from '../../compiler/runtime/session.js';

export interface Outcome {
  /** [images, classes]; of maps [images, rows, columns, classes], of boxes with 4 more */
  readonly outputs: Float32Array;
  /** Time of the batch in ms. */
  readonly ms: number;
}

interface Network {
  readonly model: Model;
  readonly session: InferenceSession;
  /** Shape of one image in the network's layout. */
  readonly shape: readonly number[];
  readonly values: number;
  /** Null: the network takes no pixels. */
  readonly fill: Normaliser | null;
}

/** The open networks of a frontier on the calling thread, which they block: one thread each, without spinning. */
export class Engine {
  /** Normalised inputs of the running batch: ONNX Runtime refuses shared memory, so they are copied once. */
  private values = new Float32Array(0);

  private constructor(private readonly networks: readonly Network[]) {}

  /**
   * @throws NasError `invalid-input` when a file is missing or changed, or ONNX Runtime refuses it
   */
  static async open(models: readonly Model[]): Promise<Engine> {
    const layout = pixelLayout(models);
    return new Engine(await Promise.all(models.map((model) => openNetwork(model, layout))));
  }

  /**
   * Computes a network on images, one batch at a time. NaN in the inputs gives NaN in the outputs.
   * @param network index of the model
   * @param inputs images of the right size, checked by the caller
   * @throws Error when the network fails, or its outputs have another size than the model says
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

  /** For a network of a fixed batch size: the last part is padded with zeros. */
  private async runParts(network: Network, inputs: readonly Input[], size: number): Promise<Outcome> {
    const count = outputCount(network.model);
    const outputs = new Float32Array(inputs.length * count);
    let ms = 0;
    for (let start = 0; start < inputs.length; start += size) {
      const part = await this.runPart(network, inputs.slice(start, start + size), size);
      outputs.set(part.outputs.subarray(0, (inputs.length - start) * count), start * count);
      ms += part.ms;
    }
    return { outputs, ms };
  }

  private async runPart(network: Network, inputs: readonly Input[], size: number): Promise<Outcome> {
    const { session, model, shape, values } = network;
    let began = performance.now();
    const feed = this.fill(network, inputs, size);
    const filledMs = performance.now() - began;
    // ONNX Runtime computes in the next `setImmediate`; the time until then does not belong to the batch.
    setImmediate(() => (began = performance.now()));
    const named = outputsOf(model);
    const results = await session.run(
      { [model.input]: new Tensor('float32', feed, [size, ...shape]) },
      named.map(({ name }) => name),
    );
    const ms = filledMs + performance.now() - began;
    const parts = named.map(({ name, shape: own }) => {
      const { data } = results[name];
      if (data instanceof Float32Array && data.length === size * product(own))
        return { data, depth: own[own.length - 1] };
      throw new Error(
        `'${model.name}' gave ${data.length} values for ${size} images of ${values} values and ${model.classes.length} classes`,
      );
    });
    return { outputs: parts.length === 1 ? parts[0].data : joined(parts), ms };
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

async function openNetwork(model: Model, pixels: PixelLayout): Promise<Network> {
  const { layout, normalisation } = model;
  const session = await openSession(model);
  const [height, width, channels] = model.size;
  return {
    model,
    session,
    shape: imageShape[layout]({ height, width, channels }),
    values: valueCount(model.size),
    fill: normalisation === null ? null : fillFrom(model, pixels, normaliser(model.size, layout, normalisation)),
  };
}

/** Normalises the part of an input that a model takes. */
function fillFrom(model: Model, layout: PixelLayout, normalise: Normaliser): Normaliser {
  const { offset, bytes } = partFor(layout, renderingOf(model));
  return (pixels, values, at) => normalise(pixels.subarray(offset, offset + bytes), values, at);
}

/**
 * Opens a session on the file whose hash the model states.
 * @throws NasError `invalid-input` when the file is missing or changed, or ONNX Runtime refuses it
 */
async function openSession({ file, sha256, name }: Model): Promise<InferenceSession> {
  const refused = (cause: unknown) =>
    invalidInput(`the model '${name}' cannot be opened: ${messageOf(cause)}`, { cause });
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw invalidInput(`the model '${name}' cannot be opened: ${file} has changed since it was read`, {
      hint: 'Write a model under another name, rename it when it is complete, then reload.',
    });
  return createSession(bytes, { threads: 1, spinning: false }).catch((cause: unknown) => {
    throw refused(cause);
  });
}
