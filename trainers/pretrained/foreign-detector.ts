import * as tf from '@tensorflow/tfjs-core';
import { rescaling, type PixelScale } from '../../base/preprocess.js';
import { exportFunction, type ForeignMaps, type ForeignMode, type WeightSource } from '../../compiler/index.js';
import { layersOnMaps, mapName, outputShape, ownStyle, targetShape, type DetectionHead } from '../../spaces/index.js';
import {
  applyLayers,
  drawWeights,
  headOutputs,
  weightsFrom,
  weightsOfLayer,
  type Mode,
  type Weights,
} from '../../spaces/models/index.js';
import type { FileNetwork } from '../engines/index.js';

/** A detector or a segmenter: a new head on the maps of a file of another program. */
export interface ForeignDetector extends FileNetwork {
  readonly head: DetectionHead;
  /** Names of the weights that large steps would spoil: of the last layer, and of layers of the file without a batch norm. */
  readonly sensitive: readonly string[];
  /** Its ONNX file with these weights: images NHWC, one output for each head. */
  file(weights: Weights): Uint8Array;
}

interface DetectorParts {
  readonly head: DetectionHead;
  readonly classes: number;
  /** Normalisation of the images that the file takes, and of the ones that the detector is to take. */
  readonly scales: { readonly file: PixelScale; readonly data: PixelScale };
  /** Of the head's initial weights. */
  readonly seed: number;
}

/** The data's images as the file takes them. */
function asInFile(images: tf.Tensor, { file, data }: DetectorParts['scales']): tf.Tensor {
  const change = rescaling(data, file);
  return change === null ? images : tf.add(tf.mul(images, [...change.factors]), [...change.shifts]);
}

/** How the head's layers are applied; their norms report statistics as the ones of a file do. */
const inHead = ({ training, statistics }: ForeignMode): Mode => ({
  training,
  statistics: (layer, batch) => {
    const names = { mean: `${layer}/moving_mean`, variance: `${layer}/moving_variance` };
    statistics?.({ ...names, momentum: ownStyle.momentum }, batch);
  },
});

/** A detector on the maps of a file, for images of the data's own normalisation. */
export function foreignDetector(
  backbone: ForeignMaps,
  { head, classes, scales, seed }: DetectorParts,
): ForeignDetector {
  const { input } = backbone;
  const layers = layersOnMaps(backbone.maps, head, classes);
  const specs = layers.flatMap(weightsOfLayer);
  const drawn = drawWeights(specs, seed);
  const shapes = { input, classes, head };
  // Muon trains weights whose names end in "/kernel". Only kernels before a batch norm get this name: their length does not matter.
  const nameOf = (name: string): string =>
    `file/${name}/${backbone.atNorms.get(name) === 'matrix' ? 'kernel' : 'value'}`;
  // Files have slow statistics of norms, for long trainings; a tuning has few steps.
  const inFile = ({ statistics, ...mode }: ForeignMode): ForeignMode => ({
    ...mode,
    statistics: ({ mean, variance, momentum }, batch) => {
      const names = { mean: nameOf(mean), variance: nameOf(variance) };
      statistics?.({ ...names, momentum: Math.min(momentum, ownStyle.momentum) }, batch);
    },
  });
  const mapsOf = (weights: WeightSource, images: tf.Tensor, mode: ForeignMode): ReadonlyMap<string, tf.Tensor> => {
    const named: WeightSource = (name, shape) => weights(nameOf(name), shape);
    const maps = backbone.apply(named, asInFile(images, scales), inFile(mode));
    return new Map(backbone.maps.map((map, i) => [mapName(map), maps[i]]));
  };
  return {
    input,
    classes,
    head,
    rows: { targets: targetShape(shapes), outputs: outputShape(shapes) },
    weights: [
      ...backbone.weights.map((weight) => ({ ...weight, name: nameOf(weight.name) })),
      ...specs.map(({ name, shape, trainable }) => ({
        name,
        shape,
        isTrainable: trainable,
        data: drawn.get(name)?.data ?? new Float32Array(),
      })),
    ],
    sensitive: [
      ...layers
        .filter(({ kind }) => kind === 'detections')
        .flatMap(weightsOfLayer)
        .map(({ name }) => name),
      ...backbone.weights.flatMap(({ name }) => (backbone.atNorms.has(name) ? [] : [nameOf(name)])),
    ],
    apply: (weights, images, mode) => applyLayers(layers, weights, mapsOf(weights, images, mode), inHead(mode)),
    file: (weights) => {
      const source = weightsFrom(weights);
      return exportFunction(
        (images) => headOutputs(layers, source, mapsOf(source, images, { training: false })),
        input,
      );
    },
  };
}
