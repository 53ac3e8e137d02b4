export {
  channelImportance,
  importanceKinds,
  type ImportanceHooks,
  type ImportanceKind,
  type ImportanceOptions,
} from './importance.js';
