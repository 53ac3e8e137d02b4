export { defaultAugment, viewsOf } from './augment/defaults.js';
export { openBatches, type Batch, type BatchSource, type LoaderOptions, stepsPerEpoch } from './batches.js';
export {
  addRenderings,
  describeDataset,
  forInputs,
  openDataset,
  openSource,
  prepareDataset,
  readReport,
  withDataset,
  type Dataset,
  type DatasetRef,
  type PrepareOptions,
  type RenderingRef,
} from './dataset.js';
export { createLoader, trainingLoader, type Loader } from './loader.js';
export { LogitsWriter } from './logits-file.js';
export type { DataReport } from './report.js';
export type { DataSource } from './sources/source.js';
export {
  splitNames,
  type DatasetInfo,
  type ImageSize,
  type Size,
  type Split,
  type SplitName,
  type SplitShares,
} from './splits.js';
export { surveyImages, type ImageSurvey } from './survey.js';
