import { isDeepStrictEqual } from 'node:util';
import { invalidInput, messageOf } from '../base/errors.js';
import { nearest } from '../base/text.js';
import { Changes } from './changes.js';
import { Generation } from './generation.js';
import { openPool } from './inference/open-pool.js';
import type { InferencePool, PoolOptions } from './inference/pool.js';
import { NotAnswered, type BatchTimes } from './inference/types.js';
import { frontierOf } from './models/frontier.js';
import type { Frontier, Model } from './models/model.js';
import type { IndexEntry, Service } from './service.js';

export interface ServiceOptions extends Omit<PoolOptions, 'frontier' | 'known'> {
  /** What there is to serve now: asked at the beginning, and whenever something is to change. */
  readonly read: () => Promise<Frontier>;
  /** Told of each pool that takes over. */
  readonly onServed?: (pool: InferencePool) => void;
}

/**
 * Opens and measures what there is, and serves it.
 * @throws NasError when it cannot be read or opened.
 */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { read, onServed, ...forPools } = options;
  const pool = await openPool({ ...forPools, frontier: await read() });
  onServed?.(pool);
  return new SuccessiveService(options, forPools, pool);
}

/** By the name of a model that is not to be served, the hash of its file: another file of that name is another model. */
type Unloaded = ReadonlyMap<string, string>;

const isWanted = ({ name, sha256 }: Model, unloaded: Unloaded): boolean => unloaded.get(name) !== sha256;

/** Serves one pool after the other. */
class SuccessiveService implements Service {
  private generation: Generation;
  /** All that there is, served or not. */
  private found: readonly Model[];
  private unloaded: Unloaded = new Map();
  /** What is being opened; empty: nothing. */
  private opening: readonly Model[] = [];
  private times: ReadonlyMap<string, BatchTimes>;
  private readonly changes = new Changes();
  /** Pools that still answer what began with them. */
  private readonly leaving = new Set<Promise<void>>();
  private isDraining = false;
  private closed: Promise<void> | null = null;

  constructor(
    private readonly options: Pick<ServiceOptions, 'read' | 'onServed' | 'onWarning'>,
    private readonly forPools: Omit<PoolOptions, 'frontier' | 'known'>,
    pool: InferencePool,
  ) {
    this.generation = new Generation(pool);
    this.found = pool.frontier.models;
    this.times = timesOf(pool);
  }

  get isReady(): boolean {
    return !this.isDraining;
  }

  get pool(): InferencePool {
    return this.generation.pool;
  }

  async use<T>(task: (pool: InferencePool) => Promise<T>): Promise<T> {
    if (this.closed !== null) throw new NotAnswered('closing', 'the server ends');
    return this.generation.use(task);
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
    return this.changes.runOnce('reload', async () => this.serve(await this.read(), this.unloaded));
  }

  load(name: string): Promise<void> {
    return this.changes.run(async () => {
      const found = await this.read();
      modelOf(found, name);
      await this.serve(found, new Map([...this.unloaded].filter(([other]) => other !== name)));
    });
  }

  unload(name: string): Promise<void> {
    return this.changes.run(async () => {
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
    await this.changes.settled();
    this.leave(this.generation);
    await Promise.all(this.leaving);
  }

  private async read(): Promise<readonly Model[]> {
    return (await this.options.read()).models;
  }

  /** Lets a new pool take over, of all that is wanted; where that cannot be opened, nothing changes. */
  private async serve(found: readonly Model[], unloaded: Unloaded): Promise<void> {
    if (this.closed !== null) return;
    const frontier = frontierOf(found.filter((model) => isWanted(model, unloaded)));
    if (!isDeepStrictEqual(frontier.models, this.pool.frontier.models)) await this.follow(frontier);
    this.found = found;
    // A file that has been replaced is forgotten: should it come back, it is a new one.
    this.unloaded = new Map(
      found.filter((model) => !isWanted(model, unloaded)).map(({ name, sha256 }) => [name, sha256]),
    );
  }

  private async follow(frontier: Frontier): Promise<void> {
    this.opening = frontier.models;
    try {
      const pool = await openPool({ ...this.forPools, frontier, known: this.times });
      const before = this.generation;
      this.generation = new Generation(pool);
      this.times = new Map([...this.times, ...timesOf(pool)]);
      this.leave(before);
      this.options.onServed?.(pool);
    } finally {
      this.opening = [];
    }
  }

  private leave(generation: Generation): void {
    const left = generation
      .retire()
      .catch((error: unknown) => this.options.onWarning?.(`a pool did not end as it should: ${messageOf(error)}`))
      .finally(() => this.leaving.delete(left));
    this.leaving.add(left);
  }
}

const timesOf = ({ models }: InferencePool): ReadonlyMap<string, BatchTimes> =>
  new Map(models.map(({ model, times }) => [model.sha256, times]));

function modelOf(models: readonly Model[], name: string): Model {
  const model = models.find((one) => one.name === name);
  if (model !== undefined) return model;
  const names = models.map((one) => one.name);
  const meant = nearest(name, names);
  throw invalidInput(`there is no model '${name}'${meant === undefined ? '' : `; did you mean '${meant}'?`}`, {
    hint: `There are ${names.join(', ')}.`,
  });
}
