import { type BatchTimes, type InferencePool, NotAnswered, type PoolOptions } from './inference/pool.js';
import { isDeepStrictEqual } from 'node:util';
import { invalidInput, messageOf } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import { openPool } from './inference/open-pool.js';
import { frontierOf } from './models/frontier.js';
import type { Frontier, Model } from './models/model.js';

/** A model that is available, in the form of the Open Inference Protocol's repository index. */
export interface IndexEntry {
  readonly name: string;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  /** Why it is not ready; empty otherwise. */
  readonly reason: string;
}

/** The served models and their changes. A change opens a new pool; running requests finish on the pool they started with. */
export interface Service {
  /** Whether the service accepts new requests: false once it drains. */
  readonly isReady: boolean;
  /** The current pool. Use `use` to keep it open. */
  readonly pool: InferencePool;
  /** Runs a task on the current pool, which stays open until the task ends. */
  readonly use: <T>(task: (pool: InferencePool) => Promise<T>) => Promise<T>;
  readonly index: () => readonly IndexEntry[];
  /** Reads the models again and serves them. If one cannot be opened, the served models stay as they were. */
  readonly reload: () => Promise<void>;
  /** @throws NasError `invalid-input` when there is no such model, or it cannot be opened. */
  readonly load: (name: string) => Promise<void>;
  /** @throws NasError `invalid-input` when there is no such model, or it is the last one. */
  readonly unload: (name: string) => Promise<void>;
  /** Sets `isReady` to false. Requests are still answered. */
  readonly drain: () => void;
  /** Resolves when all accepted requests are answered and the pools are closed. */
  readonly close: () => Promise<void>;
}

/** Runs tasks one after the other, in the order in which they were added. */
class SerialQueue {
  private last: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Map<string, Promise<void>>();

  /** Runs a task after all earlier ones, whether they succeeded or failed. */
  run(change: () => Promise<void>): Promise<void> {
    const done = this.last.then(change, change);
    this.last = done.catch(() => undefined);
    return done;
  }

  /** Like `run`, but returns the waiting task of this name if there is one. */
  runOnce(name: string, change: () => Promise<void>): Promise<void> {
    const known = this.waiting.get(name);
    if (known !== undefined) return known;
    const done = this.run(() => {
      this.waiting.delete(name);
      return change();
    });
    this.waiting.set(name, done);
    return done;
  }

  /** Resolves when all tasks added so far have ended. */
  async settled(): Promise<void> {
    await this.last;
  }
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

export interface ServiceOptions extends Omit<PoolOptions, 'frontier' | 'known'> {
  /** Reads the available models, at the start and at each change. */
  readonly read: () => Promise<Frontier>;
  /** Called with each pool that becomes current. */
  readonly onServed?: (pool: InferencePool) => void;
}

/**
 * Reads, opens and measures the models, and serves them.
 * @throws NasError when a model cannot be read or opened.
 */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { read, onServed, ...forPools } = options;
  const pool = await openPool({ ...forPools, frontier: await read() });
  onServed?.(pool);
  return new VersionedService(options, forPools, pool);
}

/** Unloaded models: name → SHA-256 of the file. Another file under the same name is another model. */
type Unloaded = ReadonlyMap<string, string>;

const isWanted = ({ name, sha256 }: Model, unloaded: Unloaded): boolean => unloaded.get(name) !== sha256;

/** Replaces the current pool at each change; older pools close when their last request is answered. */
class VersionedService implements Service {
  private current: PoolVersion;
  /** All available models, served or unloaded. */
  private found: readonly Model[];
  private unloaded: Unloaded = new Map();
  private opening: readonly Model[] = [];
  private times: ReadonlyMap<string, BatchTimes>;
  private readonly tasks = new SerialQueue();
  /** Retired pools that still answer requests. */
  private readonly retiring = new Set<Promise<void>>();
  private isDraining = false;
  private closed: Promise<void> | null = null;

  constructor(
    private readonly options: Pick<ServiceOptions, 'read' | 'onServed' | 'onWarning'>,
    private readonly forPools: Omit<PoolOptions, 'frontier' | 'known'>,
    pool: InferencePool,
  ) {
    this.current = new PoolVersion(pool);
    this.found = pool.frontier.models;
    this.times = timesOf(pool);
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
    const served = new Set(this.pool.frontier.models.map(({ name }) => name));
    const coming = new Set(this.opening.map(({ name }) => name));
    const names = new Set([...this.found, ...this.opening].map(({ name }) => name));
    return [...names].sort().map((name) => {
      if (served.has(name)) return { name, state: 'READY', reason: '' };
      return coming.has(name)
        ? { name, state: 'LOADING', reason: 'it is being measured' }
        : { name, state: 'UNAVAILABLE', reason: 'unloaded' };
    });
  }

  reload(): Promise<void> {
    return this.tasks.runOnce('reload', async () => this.serve(await this.read(), this.unloaded));
  }

  load(name: string): Promise<void> {
    return this.tasks.run(async () => {
      const found = await this.read();
      modelOf(found, name);
      await this.serve(found, new Map([...this.unloaded].filter(([other]) => other !== name)));
    });
  }

  unload(name: string): Promise<void> {
    return this.tasks.run(async () => {
      const { sha256 } = modelOf(this.found, name);
      const served = this.pool.frontier.models;
      if (served.length === 1 && served[0].name === name)
        throw invalidInput(`model '${name}' is the last one: without it there would be nothing to answer with`, {
          hint: 'Load another model before, or end the server.',
        });
      await this.serve(this.found, new Map([...this.unloaded, [name, sha256]]));
    });
  }

  drain(): void {
    this.isDraining = true;
  }

  close(): Promise<void> {
    this.drain();
    return (this.closed ??= this.end());
  }

  private async end(): Promise<void> {
    await this.tasks.settled();
    this.retire(this.current);
    await Promise.all(this.retiring);
  }

  private async read(): Promise<readonly Model[]> {
    return (await this.options.read()).models;
  }

  /** Replaces the current pool by one of all models that are not unloaded. If it cannot be opened, nothing changes. */
  private async serve(found: readonly Model[], unloaded: Unloaded): Promise<void> {
    if (this.closed !== null) return;
    const frontier = frontierOf(found.filter((model) => isWanted(model, unloaded)));
    if (!isDeepStrictEqual(frontier.models, this.pool.frontier.models)) await this.follow(frontier);
    this.found = found;
    // A replaced file counts as new if it comes back.
    this.unloaded = new Map(
      found.filter((model) => !isWanted(model, unloaded)).map(({ name, sha256 }) => [name, sha256]),
    );
  }

  private async follow(frontier: Frontier): Promise<void> {
    this.opening = frontier.models;
    try {
      const pool = await openPool({ ...this.forPools, frontier, known: this.times });
      const before = this.current;
      this.current = new PoolVersion(pool);
      this.times = new Map([...this.times, ...timesOf(pool)]);
      this.retire(before);
      this.options.onServed?.(pool);
    } finally {
      this.opening = [];
    }
  }

  private retire(version: PoolVersion): void {
    const retired = version
      .retire()
      .catch((error: unknown) => this.options.onWarning?.(`a pool did not end as it should: ${messageOf(error)}`))
      .finally(() => this.retiring.delete(retired));
    this.retiring.add(retired);
  }
}

const timesOf = ({ models }: InferencePool): ReadonlyMap<string, BatchTimes> =>
  new Map(models.map(({ model, times }) => [model.sha256, times]));

function modelOf(models: readonly Model[], name: string): Model {
  const model = models.find((one) => one.name === name);
  if (model !== undefined) return model;
  const names = models.map((one) => one.name);
  throw invalidInput(`there is no model '${name}'${didYouMean(name, names)}`, {
    hint: `There are ${names.join(', ')}.`,
  });
}
