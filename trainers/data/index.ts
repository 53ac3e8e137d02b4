export { defaultAugment } from './augment/defaults.js';
export * from './boxes/index.js';
export {
  isSameForm,
  openBatches,
  type Batch,
  type BatchSource,
  type ImageForm,
  type LoaderOptions,
  stepsPerEpoch,
} from './batches.js';
export {
  absentFrom,
  describeDataset,
  forInputs,
  openDataset,
  withDataset,
  type Dataset,
  type DatasetRef,
  type RenderingRef,
} from './dataset.js';
export { imageChanges, labelledImagesOf, unlabelledImagesOf, type ImageList, type ImageRow } from './fingerprint.js';
export type { Fold } from './folds.js';
export { inspectDataset, type InspectedData } from './inspect.js';
export { createLoader, trainingLoader, type Loader } from './loader.js';
export { averagedViews } from './lesson.js';
export { LogitsWriter } from './logits-file.js';
export { addRenderings, imagePaths, openSource, prepareDataset, readReport, type PrepareOptions } from './prepare.js';
export { maskFindings, type MaskFinding, type MaskFindingKind } from './masks/findings.js';
export { holdsMasks } from './masks/layout.js';
export { readMasks, type MaskData, type MaskImage } from './masks/read.js';
export { defaultSide, isPlaced, masksSchema, type MasksConfig, type PlacedConfig } from './schema.js';
export { isTable } from './reading/table.js';
export { leftOutLines, pairFindings, type DataReport, type PairFinding, type PairKind } from './report.js';
export type { DataSource } from './sources/source.js';
export {
  epochImages,
  splitNames,
  type DatasetInfo,
  type ImageSize,
  type Size,
  type Split,
  type SplitName,
  type SplitShares,
} from './splits.js';
export { renderingSeconds } from './views.js';
export { channelsFor, surveyImages, type ImageSurvey } from './survey.js';
