import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportOnnx } from '../../deploy/export.js';
import { modelMetadataSchema, type ModelMetadata } from '../../deploy/metadata.js';
import { mapTaskOf, detectionOf, type DetectionHead, type Network } from '../../spaces/index.js';
import { drawWeights, weightSpecs, type Model } from '../../spaces/models/index.js';
import { tinyDetector } from './tiny-detector.js';

export interface DetectorOptions {
  readonly head?: Partial<DetectionHead>;
  readonly input?: Network['input'];
  readonly seed?: number;
  /** Of the weights: with larger ones, cells differ more. */
  readonly std?: number;
  readonly metadata?: Partial<ModelMetadata>;
}

/** A tiny detector, or a segmenter, of random weights, also where a new network has constants. */
export function randomDetector({ head = {}, input = [24, 36, 3], seed = 3, std = 0.3 }: DetectorOptions = {}): Model {
  const network = tinyDetector(head, input);
  const specs = weightSpecs(network).map((spec) => (spec.trainable ? { ...spec, std: spec.std || std } : spec));
  return { network, weights: drawWeights(specs, seed) };
}

function taskOf(network: Network) {
  const head = detectionOf(network);
  if (head === null) throw new Error('the network is no detector');
  return mapTaskOf(head);
}

/** Its metadata: images whole, with grey bars, as detectors are trained. */
export const detectorMetadata = ({ network }: Model, more: Partial<ModelMetadata> = {}): ModelMetadata =>
  modelMetadataSchema.parse({
    ...{ classes: ['square', 'disc'], task: { type: taskOf(network) }, layout: 'NHWC', input: network.input },
    ...{ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], nas_version: '1', created: '2026-12-01', network },
    preprocess: { fit: 'contain', background: '#727272', resampling: 'lanczos3' },
    ...(detectionOf(network)?.segmentation === true
      ? { segmentation: { stride: detectionOf(network)?.stride } }
      : { detection: { stride: 4, most: 150, overlap: 0.6, thresholds: [0.5, 0.55] } }),
    accuracy: { test: 0.75 },
    ...more,
  });

/** Writes the ONNX file of a random detector. */
export function writeDetector(folder: string, name: string, options: DetectorOptions = {}): string {
  const model = randomDetector(options);
  const file = join(folder, `${name}.onnx`);
  writeFileSync(file, exportOnnx(model, detectorMetadata(model, options.metadata)));
  return file;
}
