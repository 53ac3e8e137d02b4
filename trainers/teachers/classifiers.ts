import { basename } from 'node:path';
import { readInput } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import {
  fitClassifier,
  layersSignature,
  loadLayersModel,
  onnxSignature,
  openClassifier,
  openOnnx,
  parseOnnx,
} from '../../compiler/index.js';
import { namedWeights } from '../../spaces/models/index.js';
import { activateBackend, chooseEngine, modelInference, placeOf } from '../engines/index.js';
import type { TeacherFinder } from './source.js';

/**
 * An ONNX image classifier, run by ONNX Runtime. What the configuration leaves out is taken from the file's metadata:
 * `layout`, and `classes`, `mean` and `std` as JSON arrays, as this package's own exports have them.
 */
export const onnxTeacher: TeacherFinder<'onnx'> = (config, info, { engine, threads }) => {
  const where = `the teacher ${config.path}`;
  const bytes = readInput(config.path);
  const classifier = fitClassifier(onnxSignature(parseOnnx(bytes, where), where), info, where, config);
  const { layout, normalisation, order } = classifier;
  return Promise.resolve({
    name: basename(config.path),
    hash: contentHash('onnx', bytes, layout, normalisation, order),
    accuracy: null,
    model: null,
    open: async () =>
      openClassifier(
        await openOnnx(config.path, where, { ...placeOf(await chooseEngine(engine)), threads }),
        classifier,
        info,
        where,
      ),
  });
};

/** A TF.js layers model from a folder; its metadata may say `classes`, `mean` and `std`. */
export const layersModelTeacher: TeacherFinder<'layers-model'> = async (config, info, { engine, threads }) => {
  const where = `the teacher ${config.path}`;
  const choice = await chooseEngine(engine);
  await activateBackend(choice);
  const loaded = await loadLayersModel(config.path);
  try {
    const classifier = fitClassifier(layersSignature(loaded, where), info, where, config);
    const weights = namedWeights(loaded.model).flatMap(({ name, variable }) => [
      name,
      new Uint8Array(variable.dataSync().slice().buffer),
    ]);
    return {
      name: basename(config.path),
      hash: contentHash('layers-model', loaded.model.toJSON(null, false), classifier, ...weights),
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
