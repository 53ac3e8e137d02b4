import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { convolutionNames, layersOf, type LayerKind, type Network } from '../../spaces/index.js';

/** Layers whose weights are counted, as in Abdelfattah et al. 2021: neither batch norm nor biases. */
const weightedKinds: ReadonlySet<LayerKind> = new Set(['conv', 'depthwise', 'dense']);

/** The kernel of a convolution or dense layer. */
export function kernelOf(model: tfl.LayersModel, layer: string): tf.Variable {
  const kernel = model.getLayer(layer).weights[0].read();
  if (!(kernel instanceof tf.Variable)) throw new Error(`the kernel of ${layer} is not a variable`);
  return kernel as tf.Variable;
}

/** The kernels of all convolutions and dense layers, in their order. */
export const kernelsOf = (network: Network, model: tfl.LayersModel): tf.Variable[] =>
  layersOf(network)
    .filter(({ kind }) => weightedKinds.has(kind))
    .flatMap((layer) => (layer.kind === 'conv' ? convolutionNames(layer) : [layer.name]))
    .map((name) => kernelOf(model, name));
