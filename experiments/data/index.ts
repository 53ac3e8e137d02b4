export { describeBoxes, type BoxClass, type BoxesDescription, type DescribedBoxes } from './boxes.js';
export { boxesSheet } from './boxes-sheet.js';
export { describeMasks, type DescribedMasks, type MaskClass, type MasksDescription } from './masks.js';
export { masksSheet } from './masks-sheet.js';
export { placedRows, type PlacedDescription, type SplitCounts } from './placed.js';
export { seenPicture } from './seen-picture.js';
export { seenSheet, type SeenSheetInput } from './seen-sheet.js';
export {
  contentsText,
  describeData,
  withoutRepeated,
  type DataDescription,
  type DescribedData,
  type NamedImage,
} from './describe.js';
export { contactSheet, type ContactSheet } from './sheet.js';
