/** Classifiers of other programs as networks to train. */
export type { ForeignMode, Norm, WeightSource } from './call.js';
export { classifierFile } from './file.js';
export { resizedFile } from './resize.js';
export { isTfjs, modelFileAt, readTfjs, tfjsInput } from './tfjs-files.js';
export type { TfjsFiles } from './tfjs-files.js';
export { exportForeign, followNorms, foreignNetwork } from './network.js';
export type { ForeignNetwork, ForeignOutputs, NewHead } from './network.js';
export { foreignMaps } from './maps.js';
export type { ForeignMap, ForeignMaps } from './maps.js';
export type { ForeignWeight } from './run.js';
export { trainedOperators } from './operators/index.js';
export { mapStrides, segmenterFile } from './segmenter.js';
export { answerOf, linearLayers, readClassifier, sizeWhereOpen } from './read.js';
export type { Answer, Head, ReadFile, ReadOptions } from './read.js';
