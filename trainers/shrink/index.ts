export {
  channelImportance,
  importanceKinds,
  type ImportanceHooks,
  type ImportanceKind,
  type ImportanceOptions,
} from './importance.js';
export { fineTuning, fineTuningEpochs } from './fine-tuning.js';
