/** Serving models over HTTP, each request by the most accurate network that answers it in time. */
export { startServer, type RunningServer, type ServerOptions } from './start-server.js';
export { startTracing, type Tracing, type TracingOptions } from './http/tracing/start-tracing.js';
export { readFrontier } from './models/read-frontier.js';
export { watchModels, type WatchOptions } from './models/watch.js';
export type { Frontier, ImageSize, Model, Normalisation } from './models/model.js';
export type { IndexEntry, Service } from './service.js';
export type { InferencePool } from './inference/pool.js';
export type {
  Answer,
  BatchTimes,
  Input,
  NotAnswered,
  PooledModel,
  RefusalReason,
  RunOptions,
} from './inference/types.js';
