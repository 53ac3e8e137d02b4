import { basename } from 'node:path';
import { readInput } from '../../base/files.js';
import { contentHash } from '../../base/hash.js';
import { fitClassifier, onnxSignature, openClassifier, openOnnx, parseOnnx } from '../../compiler/index.js';
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
        await openOnnx(config.path, where, { provider: engine.provider, threads }),
        classifier,
        info,
        where,
      ),
  });
};
