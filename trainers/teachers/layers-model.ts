import { basename } from 'node:path';
import type * as tfl from '@tensorflow/tfjs-layers';
import { contentHash } from '../../base/hash.js';
import { fitClassifier, layersSignature, loadLayersModel, openClassifier } from '../../compiler/index.js';
import { namedWeights } from '../../spaces/models/index.js';
import { activateBackend, chooseEngine, modelInference } from '../engines/index.js';
import type { TeacherFinder } from './source.js';

/** A TF.js layers model from a folder; its metadata may say `classes`, `mean` and `std`. */
export const layersModelTeacher: TeacherFinder<'layers-model'> = async (config, info, { engine, threads }) => {
  const where = `the teacher ${config.path}`;
  const choice = await chooseEngine(engine);
  await activateBackend(choice);
  const loaded = await loadLayersModel(config.path);
  try {
    const classifier = fitClassifier(layersSignature(loaded, where), info, where, config);
    return {
      name: basename(config.path),
      hash: contentHash('layers-model', loaded.model.toJSON(null, false), classifier, ...weightBytes(loaded.model)),
      accuracy: null,
      model: { type: 'layers-model', path: config.path },
      async open() {
        await activateBackend(choice);
        const { model } = await loadLayersModel(config.path);
        return openClassifier(await modelInference(model, choice, threads), classifier, info, where);
      },
    };
  } finally {
    loaded.model.dispose();
  }
};

const weightBytes = (model: tfl.LayersModel): unknown[] =>
  namedWeights(model).flatMap(({ name, variable }) => [name, new Uint8Array(variable.dataSync().slice().buffer)]);
