import type { Logger } from 'pino';
import type { Decoder } from '../images/types.js';
import type { Service } from '../service.js';
import type { Metrics } from './metrics.js';

/** What requests may take of the server. */
export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Images in one request. */
  readonly images: number;
  /** Requests within the server, from their headers to their answers; more are refused before their bodies are read. */
  readonly inside: number;
  /** Open connections. */
  readonly connections: number;
  /** Milliseconds in which a request must have arrived whole. */
  readonly requestMs: number;
  /** Milliseconds that a request has when it does not say. */
  readonly budgetMs: number;
}

/** Who may ask. */
export interface AccessOptions {
  /** Under which the server answers, besides addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** What everybody must know, except for health; null: whoever can connect may ask. */
  readonly token: string | null;
  /** Origins whose pages in a browser may ask: `https://shop.example.com`. */
  readonly origins: readonly string[];
}

/** What routes need. */
export interface RouteContext {
  readonly service: Service;
  readonly decoder: Decoder;
  readonly metrics: Metrics;
  readonly limits: Limits;
  readonly log: Logger;
  /** Whether requests are traced, by the provider that the process has registered with OpenTelemetry (`startTracing`). */
  readonly isTraced?: boolean;
}
