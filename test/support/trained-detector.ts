import { join } from 'node:path';
import { completeDecoding } from '../../base/preprocess.js';
import { exportOnnx, mapFacts, type ModelMetadata } from '../../deploy/index.js';
import { thresholdsOf } from '../../base/scores.js';
import type { BoxTask } from '../../base/task.js';
import { detectionOf, mapTaskOf, type DetectionHead, type Network } from '../../spaces/index.js';
import {
  describeDataset,
  engineSchema,
  fit,
  prepareDataset,
  readWeights,
  renderingOf,
  trainSchema,
  type BoxesConfig,
  type MasksConfig,
  type DatasetRef,
} from '../../trainers/index.js';
import { makeBoxedImages, makeMaskedImages } from './boxed-images.js';

const detectorHead: DetectionHead = {
  ...{ kind: 'detection', stride: 4, deepest: 8, width: 16, depth: 1, act: 'relu' },
};

/** 10 k parameters. */
export const smallDetector: Network = {
  kind: 'network',
  input: [48, 48, 3],
  classes: 2,
  stem: { filters: 12, kernel: 3, stride: 2, act: 'relu' },
  blocks: [
    { kind: 'fused_mbconv', filters: 16, kernel: 3, stride: 2, act: 'relu', expand: 1, se: 0 },
    { kind: 'mbconv', filters: 24, kernel: 3, stride: 2, act: 'relu', expand: 2, se: 0 },
  ],
  head: detectorHead,
};

export interface TrainedDetector {
  readonly config: BoxesConfig | MasksConfig;
  readonly dataset: DatasetRef;
  readonly network: Network;
  /** File of the weights. */
  readonly weights: string;
  /** Best thresholds of the validation images; none for masks. */
  readonly thresholds: readonly number[];
  readonly metadata: ModelMetadata;
  readonly onnx: Uint8Array;
}

/** The same network for centroids. */
export const smallCentroids: Network = { ...smallDetector, head: { ...detectorHead, stride: 8, centroids: true } };

/** And for masks: background, squares and discs. */
export const smallSegmenter: Network = {
  ...smallDetector,
  classes: 3,
  head: { ...detectorHead, segmentation: true },
};

/** A small detector of squares and discs after some seconds of training, and its ONNX file as runs write it. */
export async function trainedDetector(
  folder: string,
  cache: string,
  { network = smallDetector, task }: { readonly network?: Network; readonly task?: BoxTask } = {},
): Promise<TrainedDetector> {
  const head = detectionOf(network);
  if (head === null) throw new Error('the network gives no maps');
  const make = head.segmentation === true ? makeMaskedImages : makeBoxedImages;
  const images = await make(join(folder, 'images'), { count: 120 });
  const config = { ...images, ...(task && { task }) };
  const dataset = await prepareDataset(config, { cache });
  const result = await fit(
    {
      ...{ network, dataset, seed: 1, threads: 1, sharedCores: false, teacher: null },
      engine: engineSchema.parse({ type: 'compiled' }),
      directory: join(folder, 'training'),
      train: trainSchema.parse({
        ...{ epochs: head.segmentation === true ? 16 : 6, batch: 8, augment: ['window', 'flip'] },
        ...(head.segmentation === true && { class_weight: 'auto' }),
      }),
    },
    {
      onEpoch: () => undefined,
      onProgress: () => undefined,
      pause: () => Promise.resolve(),
      signal: new AbortController().signal,
    },
  );
  if (result.state !== 'complete') throw new Error('the training failed');
  const { classes, mean, std, task: learned } = describeDataset(dataset);
  const thresholds = thresholdsOf(result.details) ?? [];
  const { detection, segmentation } = mapFacts(mapTaskOf(head), head.stride);
  const metadata: ModelMetadata = {
    ...{ classes, task: learned, layout: 'NHWC', input: network.input, mean, std, network },
    preprocess: completeDecoding(renderingOf(config)),
    ...{ nas_version: '0.1.0', created: '2026-01-02T03:04:05.000Z' },
    ...(detection && { detection: { ...detection, thresholds } }),
    segmentation,
  };
  const { weights } = result;
  return {
    ...{ config, dataset, network, weights, thresholds, metadata },
    onnx: exportOnnx({ network, weights: readWeights(network, weights) }, metadata),
  };
}
