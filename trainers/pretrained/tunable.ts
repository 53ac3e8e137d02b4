import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../../base/errors.js';
import { scaledTwice, type PixelScale } from '../../base/preprocess.js';
import type { ForeignNetwork } from '../../compiler/index.js';
import type { Network } from '../../spaces/index.js';
import { apply, weightsFrom, weightSpecs, type Weights } from '../../spaces/models/index.js';
import { recogniseHeaded, type RecognisedNetwork } from '../recognise/index.js';
import { layerRates } from './training.js';

/** A network with a new head as fine-tuning trains it: as one of a space, or as the function of its file. */
export interface Tunable {
  readonly network: Network | ForeignNetwork;
  readonly initial: Weights;
  /** Share of the learning rate of each weight. */
  readonly rates: ReadonlyMap<string, number>;
  /** Normalisation of the images that it is trained on. */
  readonly scale: PixelScale;
  /** Why it is not trained as one of a space; null: it is. */
  readonly unlike: string | null;
  /** Its logits of images as the file takes them, in inference. */
  readonly logits: (weights: Weights, images: tf.Tensor) => tf.Tensor;
}

export interface TunableOptions {
  /** Normalisation of the file's images. */
  readonly scale: PixelScale;
  readonly freeze: readonly string[];
  readonly norms: 'frozen' | 'followed';
}

/** As one of a space, or why that would be something else. */
function recognised(
  network: ForeignNetwork,
  { freeze, norms }: TunableOptions,
): RecognisedNetwork | { readonly unlike: string } {
  if (freeze.length > 0) return { unlike: 'freeze names weights of the file' };
  try {
    const found = recogniseHeaded(network, 'it');
    if (norms === 'frozen' || found.folded.size === 0) return found;
    return { unlike: 'its batch norms, which are followed, are folded into kernels' };
  } catch (cause) {
    return { unlike: messageOf(cause) };
  }
}

function asFunction(network: ForeignNetwork, { scale, freeze }: TunableOptions, unlike: string): Tunable {
  return {
    network,
    initial: new Map(network.weights.map((weight) => [weight.name, weight])),
    rates: layerRates(network.weights, freeze),
    scale,
    unlike,
    logits: (weights, images) => network.apply(weightsFrom(weights), images, { training: false }).logits,
  };
}

function asNetwork({ model, images: own, folded }: RecognisedNetwork, { scale }: TunableOptions): Tunable {
  const { network, weights: initial } = model;
  const rates = layerRates(weightSpecs(network), []);
  return {
    network,
    initial,
    // The scale of a norm that is folded into a kernel is part of the kernel.
    rates: new Map([...rates, ...[...folded].map((norm) => [`${norm}/gamma`, 0] as const)]),
    scale: scaledTwice(scale, own),
    unlike: null,
    logits: (weights, images) => {
      const isPlain = own.mean.every((mean) => mean === 0) && own.std.every((std) => std === 1);
      const inside = isPlain ? images : tf.div(tf.sub(images, [...own.mean]), [...own.std]);
      return apply(network, weightsFrom(weights), inside, { training: false }).logits;
    },
  };
}

/**
 * What fine-tuning trains. Networks of a space have native passes; any other file is trained as its function.
 * @param network with a new head
 * @throws NasError `invalid-input` for a pattern of `freeze` that no weight has
 */
export function tunableOf(network: ForeignNetwork, options: TunableOptions): Tunable {
  const found = recognised(network, options);
  return 'unlike' in found ? asFunction(network, options, found.unlike) : asNetwork(found, options);
}
