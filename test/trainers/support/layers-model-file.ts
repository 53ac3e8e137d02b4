import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';

/** Saves a model as TF.js does: a folder with model.json and one file of weights. */
export async function saveLayersModel(
  model: tfl.LayersModel,
  folder: string,
  classes?: readonly string[],
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  if (classes !== undefined) model.setUserDefinedMetadata({ classes });
  await model.save(
    tf.io.withSaveHandler((artifacts) => {
      const { modelTopology, weightSpecs, weightData, userDefinedMetadata } = artifacts;
      if (!(weightData instanceof ArrayBuffer)) throw new Error('one buffer of weights expected');
      writeFileSync(join(folder, 'weights.bin'), new Uint8Array(weightData));
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      const json = { format: 'layers-model', modelTopology, weightsManifest, userDefinedMetadata };
      writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
      return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } });
    }),
  );
  return folder;
}
