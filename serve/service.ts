import type { InferencePool } from './inference/pool.js';

/** A model that could be served: as the Open Inference Protocol's repository index shows it. */
export interface IndexEntry {
  readonly name: string;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  /** Why it is not ready; empty otherwise. */
  readonly reason: string;
}

/** What is served now, and how that changes: pools follow each other, and requests stay with the one that they began with. */
export interface Service {
  /** Whether new requests should come here: models are loaded, and it is not being ended. */
  readonly isReady: boolean;
  /** The pool of now, without keeping it. */
  readonly pool: InferencePool;
  /** Runs a task on the pool of now, which stays open until the task has ended. */
  readonly use: <T>(task: (pool: InferencePool) => Promise<T>) => Promise<T>;
  readonly index: () => readonly IndexEntry[];
  /** Reads the models anew, and serves what is there now. What cannot be opened leaves everything as it was. */
  readonly reload: () => Promise<void>;
  /** @throws NasError `invalid-input` when there is no such model, or it cannot be opened. */
  readonly load: (name: string) => Promise<void>;
  /** @throws NasError `invalid-input` when there is no such model, or it is the last one. */
  readonly unload: (name: string) => Promise<void>;
  /** From now on not ready; answers go on. */
  readonly drain: () => void;
  /** Ends when everything that was accepted is answered. */
  readonly close: () => Promise<void>;
}
