/** Serves models over HTTP: the most accurate network that meets a request's deadline answers it. */
export { startServer, type RunningServer, type ServerOptions } from './start-server.js';
export { readFrontier } from './models/frontier.js';
export type { Frontier, ImageSize, Model, Normalisation } from './models/model.js';
export type { Service } from './service.js';
export type { IndexEntry } from './model-states.js';
export type { InferencePool } from './inference/pool.js';
export type {
  Answer,
  BatchTimes,
  Input,
  NotAnswered,
  PooledModel,
  RefusalReason,
  RunOptions,
} from './inference/pool.js';
