import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { writeFileAtomic } from '../base/files.js';
import { toLayersModel, type Model } from '../spaces/models/index.js';
import type { ModelMetadata } from './metadata.js';

const weightsFile = 'weights.bin';

/**
 * Writes a trained model as TF.js reads it (`tf.loadLayersModel`): `model.json`, `weights.bin`, and `metadata.json`
 * with what a program needs to use it. The directory is made if need be.
 */
export async function exportTfjs(model: Model, metadata: ModelMetadata, directory: string): Promise<void> {
  const layers = toLayersModel(model);
  await layers.save(
    tf.io.withSaveHandler(({ modelTopology, weightSpecs, weightData, format, generatedBy, convertedBy }) => {
      const manifest = {
        format,
        generatedBy,
        convertedBy: convertedBy ?? null,
        modelTopology,
        weightsManifest: [{ paths: [weightsFile], weights: weightSpecs }],
      };
      writeFileAtomic(join(directory, weightsFile), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
      writeFileAtomic(join(directory, 'metadata.json'), `${JSON.stringify(metadata, null, 2)}\n`);
      writeFileAtomic(join(directory, 'model.json'), JSON.stringify(manifest));
      return Promise.resolve({
        modelArtifactsInfo: { dateSaved: new Date(metadata.created), modelTopologyType: 'JSON' },
      });
    }),
  );
  layers.dispose();
}
