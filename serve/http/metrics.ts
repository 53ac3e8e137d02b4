import type { Registry } from 'prom-client';
import type { BatchDone } from '../inference/types.js';

/** What is counted, for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  readonly onBatch: (batch: BatchDone) => void;
  /** @param status of HTTP; 499: the client went before the answer */
  readonly onRequest: (route: string, status: number, seconds: number) => void;
}
