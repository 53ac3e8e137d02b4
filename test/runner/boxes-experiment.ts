import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BoxesConfig, MasksConfig } from '../../trainers/index.js';

/** Small detectors and segmenters of two strides. */
export const detectorSpace = {
  type: 'mobilenet',
  width: 1,
  stem: { filters: 8, stride: 2, act: 'relu' },
  stages: [
    { kind: 'fused_mbconv', filters: [8, 12], stride: 2, depth: 1, act: 'relu' },
    { filters: 16, stride: 2, depth: 1, expand: 2, act: 'relu' },
  ],
  detect: { stride: [4, 8], deepest: 8, width: 8, depth: [0, 1] },
};

/** A short search of detectors, or of segmenters. */
export const boxesExperiment = (data: BoxesConfig | MasksConfig, changes: object = {}) => ({
  name: 'boxes',
  seed: 3,
  data,
  space: detectorSpace,
  train: { epochs: 2, batch: 8, checkpoint_seconds: 0.1 },
  objectives: [data.type === 'masks' ? 'miou' : 'ap50', 'macs'],
  search: { controller: 'local', startup: 3, trials: 3, parallel: 1 },
  final: { epochs: 3 },
  ...changes,
});

/** Writes it into a folder. */
export function writeBoxesExperiment(
  folder: string,
  file: string,
  data: BoxesConfig | MasksConfig,
  changes: object = {},
): string {
  const path = join(folder, `${file}.yaml`);
  writeFileSync(path, JSON.stringify(boxesExperiment(data, { name: file, ...changes })));
  return path;
}
