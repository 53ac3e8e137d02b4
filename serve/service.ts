import { type InferencePool, NotAnswered, type PoolOptions } from './inference/pool.js';
import { isDeepStrictEqual } from 'node:util';
import PQueue from 'p-queue';
import { invalidInput, messageOf } from '../base/errors.js';
import { openPool } from './inference/open-pool.js';
import { type IndexEntry, ModelStates, type ModelStatesOptions } from './model-states.js';

/** The served models and their changes. A change opens a new pool; running requests finish on the pool they started with. */
export interface Service {
  /** Whether the service accepts new requests: false once it drains. */
  readonly isReady: boolean;
  /** The current pool. Use `use` to keep it open. */
  readonly pool: InferencePool;
  /** Runs a task on the current pool, which stays open until the task ends. */
  readonly use: <T>(task: (pool: InferencePool) => Promise<T>) => Promise<T>;
  readonly index: () => readonly IndexEntry[];
  /** Reads the models again and serves the ones that work. Resolves when all are measured or refused. */
  readonly reload: () => Promise<void>;
  /** Sets `isReady` to false. Requests are still answered. */
  readonly drain: () => void;
  /** Resolves when all accepted requests are answered and the pools are closed. */
  readonly close: () => Promise<void>;
}

/** A reference-counted pool. After `retire`, it closes when its last request is answered. */
class PoolVersion {
  private users = 0;
  private idle: (() => void) | null = null;

  constructor(readonly pool: InferencePool) {}

  /** Runs a task and keeps the pool open until the task ends. */
  async use<T>(task: (pool: InferencePool) => Promise<T>): Promise<T> {
    this.users++;
    try {
      return await task(this.pool);
    } finally {
      if (--this.users === 0) this.idle?.();
    }
  }

  /** Closes the pool after its last task. No task may start afterwards. */
  async retire(): Promise<void> {
    if (this.users > 0) await new Promise<void>((resolve) => (this.idle = resolve));
    await this.pool.close();
  }
}

export interface ServiceOptions
  extends Omit<PoolOptions, 'frontier' | 'known' | 'onProgress'>, Omit<ModelStatesOptions, 'onChange' | 'loadMs'> {
  /** A model that is not opened and measured within this time is unavailable, in ms. Default: a minute. */
  readonly loadMs?: number;
  /** Called with each pool that becomes current. */
  readonly onServed?: (pool: InferencePool) => void;
}

const defaultLoadMs = 60_000;

/**
 * Reads, opens and measures the models, and serves the ones that work.
 * @throws NasError when none works
 */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { read, maxBatch, loadMs = defaultLoadMs, onProgress, onWarning, onServed, ...others } = options;
  const forPools = { ...others, maxBatch, onWarning };
  let service: VersionedService | null = null;
  const states = new ModelStates({
    read,
    maxBatch,
    loadMs,
    onProgress,
    onWarning,
    onChange: () => service?.follow(),
  });
  try {
    await states.refresh();
    await states.settled(true);
    if (states.ready() === null) await states.settled();
    const frontier = states.ready();
    if (frontier === null) throw invalidInput(states.index([])[0].reason);
    const pool = await openPool({ ...forPools, frontier });
    onServed?.(pool);
    service = new VersionedService(states, options, forPools, pool);
    return service;
  } catch (error) {
    states.close();
    throw error;
  }
}

/** Replaces the current pool at each change; older pools close when their last request is answered. */
class VersionedService implements Service {
  private current: PoolVersion;
  /** Changes, one after the other. */
  private readonly tasks = new PQueue({ concurrency: 1 });
  private reloading: Promise<void> | null = null;
  /** Retired pools that still answer requests. */
  private readonly retiring = new Set<Promise<void>>();
  private isDraining = false;
  private closed: Promise<void> | null = null;

  constructor(
    private readonly states: ModelStates,
    private readonly options: Pick<ServiceOptions, 'onServed' | 'onWarning'>,
    private readonly forPools: Omit<PoolOptions, 'frontier' | 'known'>,
    pool: InferencePool,
  ) {
    this.current = new PoolVersion(pool);
  }

  get isReady(): boolean {
    return !this.isDraining;
  }

  get pool(): InferencePool {
    return this.current.pool;
  }

  async use<T>(task: (pool: InferencePool) => Promise<T>): Promise<T> {
    if (this.closed !== null) throw new NotAnswered('closing', 'the server ends');
    return this.current.use(task);
  }

  index(): readonly IndexEntry[] {
    return this.states.index(this.pool.frontier.models);
  }

  async reload(): Promise<void> {
    // All that ask before it begins share it.
    await (this.reloading ??= this.tasks.add(async () => {
      await Promise.resolve();
      this.reloading = null;
      await this.states.refresh();
      await this.serve();
    }));
    await this.states.settled();
    await this.tasks.add(() => this.serve());
  }

  drain(): void {
    this.isDraining = true;
  }

  close(): Promise<void> {
    this.drain();
    return (this.closed ??= this.end());
  }

  /** Serves the models that were measured meanwhile. */
  follow(): void {
    this.tasks
      .add(() => this.serve())
      .catch((error: unknown) => this.options.onWarning?.(`the models stay as they were: ${messageOf(error)}`));
  }

  private async end(): Promise<void> {
    this.states.close();
    await this.tasks.onIdle();
    this.retire(this.current);
    await Promise.all(this.retiring);
  }

  /** Replaces the current pool by one of all models that are ready. If it cannot be opened, nothing changes. */
  private async serve(): Promise<void> {
    const frontier = this.states.ready();
    if (this.closed !== null || frontier === null) return;
    if (isDeepStrictEqual(frontier.models, this.pool.frontier.models)) return;
    // Batches are measured in the serving process: times of another process would make them too small.
    const known = new Map(this.pool.models.map(({ model, times }) => [model.sha256, times]));
    const pool = await openPool({ ...this.forPools, frontier, known });
    const before = this.current;
    this.current = new PoolVersion(pool);
    this.retire(before);
    this.options.onServed?.(pool);
  }

  private retire(version: PoolVersion): void {
    const retired = version
      .retire()
      .catch((error: unknown) => this.options.onWarning?.(`a pool did not end as it should: ${messageOf(error)}`))
      .finally(() => this.retiring.delete(retired));
    this.retiring.add(retired);
  }
}
