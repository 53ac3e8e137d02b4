import * as tf from '@tensorflow/tfjs-core';
import { invalidInput } from '../../base/errors.js';
import { compile, type Feed, type HostTensor, type InputSpec, type Target } from '../../compiler/index.js';
import type { Network } from '../../spaces/index.js';
import { initialWeights, weightVariables } from '../../spaces/models/index.js';
import { activateBackend, onProcessor, targetBeside, type EngineChoice } from '../engines/index.js';
import { type DatasetRef, type ImageSize, openBatches, openDataset, type Size } from '../data/index.js';
import { computeParts, logDeterminant, type ProxyPart, type Variables } from './program.js';

/** Zero-cost proxies: numbers of an untrained network that correlate with its accuracy after training. */
export const proxyNames = ['synflow', 'gradnorm', 'snip', 'naswot'] as const;
export type ProxyName = (typeof proxyNames)[number];

export interface ProxyOptions<N extends ProxyName = ProxyName> {
  /** Seed of the initial weights. The stem is random, too, where trainings whiten it: some proxies have no images. */
  readonly seed: number;
  /** The proxies to compute; default: all that are possible, without images those that need none. */
  readonly names?: readonly N[] | undefined;
  /** Images of the data set (`proxyBatch`). */
  readonly batch?: ProxyBatch | undefined;
  /** The engine of the trainings, so that compared networks use the same one. Default: the processor. */
  readonly engine?: EngineChoice | undefined;
  /** Threads of ONNX Runtime; default 1. Their number may change the last bits. */
  readonly threads?: number | undefined;
}

/** Outputs of the compiled program. */
type Outputs = Readonly<Record<string, HostTensor>>;

interface Rule {
  readonly part: ProxyPart;
  value(outputs: Outputs, size: number): number;
}

const scalar =
  (name: string): Rule['value'] =>
  (outputs) =>
    outputs[name].data[0];

/** How each proxy is computed from the program's outputs. */
const rules: { readonly [K in ProxyName]: Rule } = {
  synflow: { part: 'flow', value: scalar('synflow') },
  gradnorm: { part: 'gradients', value: scalar('norm') },
  snip: { part: 'gradients', value: scalar('saliency') },
  naswot: { part: 'codes', value: ({ agreement }, size) => logDeterminant(agreement.data, size) },
};

/** Whether a proxy depends on images; other proxies depend only on network and seed. */
export const needsImages = (name: ProxyName): boolean => rules[name].part !== 'flow';

/**
 * Zero-cost proxies of an untrained network, from one compiled program: one pass over a batch of images and, for synflow,
 * one over an image of ones. Larger is better. The same arguments give the same bits on the same machine; engines differ by
 * rounding.
 *
 * - `synflow`: natural logarithm of the synaptic flow (Tanaka et al. 2020; Abdelfattah et al. 2021); see `synapticFlow`.
 * - `gradnorm`: sum over convolutions and dense layers of the Euclidean norm of the loss's gradient (Abdelfattah et al.
 *   2021).
 * - `snip`: sum of |weight x gradient| over the same layers (Lee et al. 2019).
 * - `naswot`: log |K_H| of the activations' binary codes (Mellor et al. 2021); grows with the number of images.
 *
 * @throws NasError `invalid-input` when a requested proxy needs images and there are none
 */
export async function proxies<N extends ProxyName = ProxyName>(
  network: Network,
  options: ProxyOptions<N>,
): Promise<Record<N, number>> {
  const { seed, batch, engine = onProcessor, threads = 1 } = options;
  const names = options.names ?? (proxyNames.filter((name) => batch !== undefined || !needsImages(name)) as N[]);
  const parts = new Set(names.map((name) => rules[name].part));
  const looking = names.filter(needsImages);
  if (looking.length > 0 && batch === undefined)
    throw invalidInput(`${looking.join(' and ')} cannot be computed without images`, {
      hint: 'Give a batch of the data set, or ask for synflow only.',
    });
  await activateBackend(onProcessor);
  const weights = weightVariables({ network, weights: initialWeights(network, seed) });
  try {
    const outputs = await run(
      network,
      weights,
      parts,
      looking.length === 0 ? null : (batch ?? null),
      await targetBeside(engine, { threads }),
    );
    const size = batch?.size ?? 0;
    return Object.fromEntries(names.map((name) => [name, rules[name].value(outputs, size)])) as Record<N, number>;
  } finally {
    tf.dispose([...weights.values()]);
  }
}

/** Compiles the parts to one program and runs it once. */
async function run(
  network: Network,
  weights: Variables,
  parts: ReadonlySet<ProxyPart>,
  batch: ProxyBatch | null,
  target: Target,
): Promise<Outputs> {
  const [height, width, channels] = network.input;
  const inputs: Record<string, InputSpec> = {};
  const feeds: Record<string, Feed> = {};
  if (batch !== null) {
    inputs['images'] = { shape: [batch.size, height, width, channels] };
    inputs['labels'] = { shape: [batch.size, network.classes] };
    if (batch.image.join() !== network.input.join())
      throw new Error(`the images are [${batch.image.join(', ')}], the network takes [${network.input.join(', ')}]`);
    feeds['images'] = batch.images;
    feeds['labels'] = batch.labels;
  }
  const program = await compile(
    ({ images, labels }: Record<string, tf.Tensor>) => ({
      ...computeParts(network, weights, batch === null ? null : { images, labels }, parts),
    }),
    inputs,
    // The function is deterministic; tests compare it with TF.js's cpu backend.
    { target, checkDeterminism: false },
  );
  try {
    return await program.run(feeds);
  } finally {
    await program.dispose();
  }
}

/** The images for proxies. */
export interface ProxyBatch {
  /** Height, width, channels of one image: those of the network's input. */
  readonly image: ImageSize;
  /** [size, height, width, channels], normalised. */
  readonly images: Float32Array;
  /** One-hot [size, classes]. */
  readonly labels: Float32Array;
  readonly size: number;
}

/** The default number of images. */
export const proxyImages = 32;

/**
 * The first training images, unaugmented, in an order drawn from the seed; fewer than `count` when there are no more.
 * @param size height and width of the network's input; default: the data's own
 * @throws NasError `invalid-input` when the data set is missing or damaged
 */
export function proxyBatch(ref: DatasetRef, seed: number, size?: Size, count = proxyImages): ProxyBatch {
  const dataset = openDataset(ref);
  try {
    const { counts, height, width, channels } = dataset.info;
    const batch = Math.min(count, counts.train);
    const options = { batch, size, seed, viewSeed: seed, augment: [], shuffle: true, dropLast: true } as const;
    const { images, labels } = openBatches({ dataset, split: 'train', ...options }).batch(0, 0);
    return { image: [...(size ?? ([height, width] as const)), channels], images, labels, size: batch };
  } finally {
    dataset.close();
  }
}
