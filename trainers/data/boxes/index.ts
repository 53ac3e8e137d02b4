export { findingKinds, type Finding, type FindingKind } from './check.js';
export { holdsBoxes } from './layout.js';
export { readBoxes, type BoxData, type BoxImage, type ReadBoxesOptions } from './read.js';
export { boxesSchema, type BoxesConfig } from '../schema.js';
export { boxFormats } from './schema.js';
export { adviseSize, networkSizes, sizeAlong, type NetworkSize, type SizeAdvice } from './sizes.js';
export { splitsOrRefusal, type SplitImage } from './split.js';
