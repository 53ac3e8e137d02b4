export { defaultAugment, viewsOf } from './augment/defaults.js';
export { openBatches, type Batch, type BatchSource, type LoaderOptions, stepsPerEpoch } from './batches.js';
export {
  describeDataset,
  openDataset,
  openSource,
  prepareDataset,
  withDataset,
  type Dataset,
  type DatasetRef,
  type PrepareOptions,
} from './dataset.js';
export { createLoader, trainingLoader, type Loader } from './loader.js';
export { LogitsWriter } from './logits-file.js';
export { createResizer, type ImageSize } from './resize.js';
export type { DataSource } from './sources/source.js';
export { splitNames, type DatasetInfo, type Split, type SplitName, type SplitShares } from './splits.js';
