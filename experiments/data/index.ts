export {
  contentsText,
  describeData,
  withoutRepeated,
  type DataDescription,
  type DescribedData,
  type NamedImage,
} from './describe.js';
export { contactSheet, type ContactSheet } from './sheet.js';
export { sheetPng } from './sheet-png.js';
