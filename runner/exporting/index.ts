/** Trained networks of a run as files for use elsewhere. */
export {
  describedFile,
  onnxFile,
  testedBy,
  weightFormats,
  type ExportedOnnx,
  type OnnxFileOptions,
  type WeightFormat,
} from './onnx-file.js';
export { calibratedSource, exportSource, frontierSources, type ExportSource } from './source.js';
