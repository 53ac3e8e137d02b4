import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import { messageOf } from '../base/errors.js';
import { measureModel } from './inference/measure.js';
import { byName, frontierOf } from './models/frontier.js';
import type { Available, Failure, Frontier, Model } from './models/model.js';

/** A model in the form of the Open Inference Protocol's repository index. */
export interface IndexEntry {
  readonly name: string;
  readonly version: number;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  /** Why it is not ready; empty otherwise. */
  readonly reason: string;
}

export interface ModelStatesOptions {
  /** Largest batch to measure. */
  readonly maxBatch: number;
  /** A model that is not opened and measured within this time, in ms, is unavailable. */
  readonly loadMs: number;
  /** Called while models are measured. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Reads the available models, at the start and at each change. */
  readonly read: () => Promise<Frontier & Partial<Pick<Available, 'failures'>>>;
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Called when models were measured or refused after `refresh`. */
  readonly onChange: () => void;
}

/** After this time, in ms, the next model is measured beside a slow one. */
const slowMs = 10_000;

/** The state of a model's file; files are identified by their SHA-256. */
type Known =
  | { readonly kind: 'measured' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'measuring'; readonly end: AbortController; readonly ended: Promise<void> };

/** The models at a path, and which of them can be served. A model that fails does not affect the others. */
export class ModelStates {
  private found: readonly Model[] = [];
  private unreadable: readonly Failure[] = [];
  private readonly known = new Map<string, Known>();
  /** One model is measured at a time, but for slow ones. */
  private readonly queue = new PQueue({ concurrency: 1 });

  constructor(private readonly options: ModelStatesOptions) {}

  /** Reads the models again, and begins to measure new ones. */
  async refresh(): Promise<void> {
    const { models, failures = [] } = await this.options.read();
    for (const { name, reason } of failures)
      if (!this.unreadable.some((before) => before.name === name && before.reason === reason)) this.warn(name, reason);
    this.found = models;
    this.unreadable = failures;
    const present = new Set(models.map(({ sha256 }) => sha256));
    for (const [sha256, known] of this.known)
      if (!present.has(sha256) && known.kind !== 'measured') this.forget(sha256);
    for (const model of models) if (!this.known.has(model.sha256)) this.measure(model);
  }

  /** Resolves when all found models are measured or failed; with `quick`, it does not wait for slow ones. */
  async settled(quick = false): Promise<void> {
    if (quick) await this.queue.onIdle();
    for (const known of this.known.values()) if (!quick && known.kind === 'measuring') await known.ended;
  }

  /** The measured models; null: there is none. */
  ready(): Available | null {
    const models = this.found.filter((model) => this.stateOf(model)?.kind === 'measured');
    return models.length === 0 ? null : frontierOf(models);
  }

  /** The versions of all models, the newest first. */
  index(served: readonly Model[]): readonly IndexEntry[] {
    const conflicts = this.ready()?.failures ?? [];
    const entries = this.found.map((model): IndexEntry => {
      const { name, version } = model;
      const isThis = (other: Pick<Model, 'name' | 'version'>) => other.name === name && other.version === version;
      const known = this.stateOf(model);
      if (served.some(isThis)) return { name, version, state: 'READY', reason: '' };
      const reason = known?.kind === 'failed' ? known.reason : conflicts.find(isThis)?.reason;
      return reason === undefined
        ? { name, version, state: 'LOADING', reason: 'it is being measured' }
        : { name, version, state: 'UNAVAILABLE', reason };
    });
    const unreadable = this.unreadable.map(({ name, version, reason }) => {
      return { name, version, state: 'UNAVAILABLE', reason } as const;
    });
    return [...entries, ...unreadable].sort(byName);
  }

  /** Stops measuring. */
  close(): void {
    for (const known of this.known.values()) if (known.kind === 'measuring') known.end.abort();
  }

  private stateOf({ sha256 }: Model): Known | undefined {
    return this.known.get(sha256);
  }

  private measure(model: Model): void {
    const { sha256, name } = model;
    const { maxBatch, loadMs, onChange } = this.options;
    const end = new AbortController();
    const finish = (result: Known): void => {
      // Forgotten meanwhile: the file is gone.
      if (this.known.get(sha256) !== state) return;
      this.known.set(sha256, result);
      if (result.kind === 'failed') this.warn(name, result.reason);
    };
    const ended = new Promise<void>((resolve) => {
      void this.queue.add(async () => {
        this.progress();
        const measured = measureModel({ model, maxBatch, loadMs, signal: end.signal })
          .then(() => finish({ kind: 'measured' }))
          .catch((error: unknown) => finish({ kind: 'failed', reason: messageOf(error) }))
          .finally(resolve);
        await Promise.race([measured, sleep(slowMs, undefined, { ref: false })]);
      });
    });
    const state: Known = { kind: 'measuring', end, ended };
    this.known.set(sha256, state);
    void ended.then(() => this.queue.onIdle()).then(onChange);
  }

  private progress(): void {
    const all = [...this.known.values()];
    this.options.onProgress?.(all.filter(({ kind }) => kind !== 'measuring').length, all.length);
  }

  private forget(sha256: string): void {
    const known = this.known.get(sha256);
    this.known.delete(sha256);
    if (known?.kind === 'measuring') known.end.abort();
  }

  private warn(name: string, reason: string): void {
    this.options.onWarning?.(`the model ${name} is unavailable: ${reason}`);
  }
}
