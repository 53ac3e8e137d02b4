import type { Logger } from 'pino';
import type { Decoder } from '../images/decoder.js';
import type { Service } from '../service.js';
import type { Shares } from '../shares.js';
import type { Turns } from '../turns.js';
import type { Metrics } from './metrics.js';

export interface Limits {
  readonly bodyBytes: number;
  readonly images: number;
  /** Requests in the server, from headers to answer; more are refused before their bodies are read. */
  readonly inside: number;
  readonly connections: number;
  /** Milliseconds in which a whole request must arrive. */
  readonly requestMs: number;
  /** Time budget in ms of a request that does not set its own. */
  readonly budgetMs: number;
}

export interface AccessOptions {
  /** Whether `/metrics` needs no token. */
  readonly hasOpenMetrics: boolean;
  /** Addresses of proxies whose `X-Forwarded-For` names the client. */
  readonly proxies: readonly string[];
  /** Host names of the server, besides IP addresses (`namesOf`). */
  readonly names: ReadonlySet<string>;
  /** Bearer token of all routes but health; null: no token. */
  readonly token: string | null;
  /** Origins of web pages that may send requests: `https://www.example.com`. */
  readonly origins: readonly string[];
}

export interface RouteContext {
  readonly service: Service;
  readonly decoder: Decoder;
  readonly metrics: Metrics;
  readonly limits: Limits;
  /** Bytes of the bodies in flight and of images that are decoded as a whole. */
  readonly memory: Shares;
  /** The time of the event loop. */
  readonly turns: Turns;
  readonly log: Logger;
}
