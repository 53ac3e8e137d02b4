export { createLoader, type Loader } from './loader.js';
export { openBatches, type Batch, type BatchSource, type LoaderOptions } from './batches.js';
export {
  describeDataset,
  openDataset,
  withDataset,
  type Dataset,
  type DatasetInfo,
  type DatasetRef,
  type Split,
} from './dataset.js';
export { LogitsWriter } from './logits-file.js';
export { prepareDataset, type PrepareOptions } from './prepare.js';
export { createResizer, type ImageSize } from './resize.js';
export { openSource, splitNames, type DataSource, type SplitName } from './sources/index.js';
export type { SplitShares } from './splits.js';
