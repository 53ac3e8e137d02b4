export { createLoader, type Loader } from './loader.js';
export { openBatches, type Batch, type BatchSource, type LoaderOptions } from './batches.js';
export { describeDataset, openDataset, withDataset, type Dataset, type DatasetRef } from './dataset.js';
export { LogitsWriter } from './logits-file.js';
export { prepareDataset, type PrepareOptions } from './prepare.js';
export { createResizer, type ImageSize } from './resize.js';
export type { DatasetInfo, Split } from './shared-dataset.js';
export { openSource, splitNames, type DataSource, type SplitName } from './sources/index.js';
export type { SplitShares } from './splits.js';
