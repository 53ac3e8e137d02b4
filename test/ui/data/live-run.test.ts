import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startPage, type PageServer } from '../../../reports/page/server.js';
import { Random } from '../../../base/random.js';
import { choicesOf, createSpace, genotypeId, sampleGenotype, type Space } from '../../../spaces/index.js';
import { Store } from '../../../store/index.js';
import { FollowedRun, LiveRun } from '../../../ui/data/live-run.js';
import { storedRun } from '../../cli/stored-run.js';
import { newTrial, newEpoch } from '../../store/support.js';

/** The page's server of a folder. It can restart at the same address. */
class Site {
  readonly folder = mkdtempSync(join(tmpdir(), 'nas-live-'));
  private server: PageServer | null = null;
  private port = 0;

  async start(): Promise<void> {
    const assets = `${this.folder}-assets`;
    mkdirSync(join(assets, 'assets'), { recursive: true });
    writeFileSync(join(assets, 'index.html'), '');
    const report = (error: unknown): void => {
      throw error;
    };
    this.server = await startPage({ folder: this.folder, host: '127.0.0.1', port: this.port, assets, report });
    const { address } = this.server;
    this.port = Number(new URL(address).port);
    vi.unstubAllGlobals();
    const { fetch } = globalThis;
    // The page uses addresses relative to its server.
    vi.stubGlobal('fetch', (path: string, init?: RequestInit) => fetch(new URL(path, address), init));
  }

  async stop(): Promise<void> {
    await this.server?.close();
    this.server = null;
  }

  remove(): void {
    for (const folder of [this.folder, `${this.folder}-assets`]) rmSync(folder, { recursive: true, force: true });
  }
}

const soon = { timeout: 60_000, interval: 20 };

describe('LiveRun', () => {
  let site: Site;
  let live: LiveRun | null = null;
  let store: Store | null = null;
  let space: Space;
  const fetchOfNode = globalThis.fetch;

  beforeEach(async () => {
    site = new Site();
    space = await createSpace({ type: 'mobilenet', preset: 'tiny' }, { input: [28, 28, 1], classes: 10 });
    await begin(5);
    await site.start();
  });
  afterEach(async () => {
    live?.end();
    live = null;
    store?.close();
    store = null;
    await site.stop();
    vi.unstubAllGlobals();
    expect(globalThis.fetch).toBe(fetchOfNode);
    site.remove();
  });

  const workdir = (): string => join(site.folder, 'a run');

  /** Writes a running search with some trials. */
  async function begin(trials: number): Promise<void> {
    mkdirSync(workdir(), { recursive: true });
    await storedRun(workdir(), trials);
    store = Store.open(join(workdir(), 'nas.sqlite'));
    store.run.setStatus('running');
  }

  /** Adds a trial that dominates all before it, with one epoch. */
  function addBest(number: number): void {
    if (store === null) throw new Error('there is no run');
    const genotype = sampleGenotype(space, new Random(number, 'live-run'));
    const choices = choicesOf(space.decisions, genotype);
    const network = space.build(genotype);
    store.trials.ask(newTrial(number, { genotype, genotypeId: genotypeId(genotype), choices, network }));
    const epoch = { trainAccuracy: 0.4, validationLoss: 1, validationAccuracy: 0.5 };
    store.curves.add({ stage: 'search', trial: number }, newEpoch(0, epoch));
    store.trials.finish(number, {
      state: 'complete',
      values: {
        accuracy: { value: 0.95 + number / 10_000, provenance: 'measured' },
        latency_ms: { value: 1e-4 / number, provenance: 'measured' },
      },
    });
  }

  const numbers = (run: LiveRun): readonly number[] => run.candidates.number;

  it('loads the run, and then follows its changes', async () => {
    live = new LiveRun('a run');
    live.start();
    const run = live;
    await vi.waitFor(() => expect(run.frontier.value.length).toBeGreaterThan(0), soon);
    expect(run.info.value?.run.name).toBe('stored');
    expect(numbers(run)).toEqual([0, 1, 2, 3, 4]);
    expect(run.loaded.value).toEqual({ done: 5, total: 5 });
    const before = run.version.value;
    addBest(5);
    await vi.waitFor(() => expect(run.frontier.value).toEqual([{ number: 5, precision: 'fp32', rivals: [] }]), soon);
    expect(run.version.value).toBeGreaterThan(before);
    expect(numbers(run)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(run.info.value?.run.counts.complete).toBe(6);
    expect(run.curveOf({ stage: 'search', trial: 5 })).toEqual([
      { epoch: 0, trainLoss: 1, trainAccuracy: 0.4, validationLoss: 1, validationAccuracy: 0.5 },
    ]);
    store?.run.setStatus('complete');
    await vi.waitFor(() => expect(run.info.value?.run.status).toBe('complete'), soon);
  });

  it('reports that the server is gone, and continues when it is back', async () => {
    live = new LiveRun('a run');
    live.start();
    const run = live;
    await vi.waitFor(() => expect(run.frontier.value.length).toBeGreaterThan(0), soon);
    await site.stop();
    await vi.waitFor(() => expect(run.problem.value).not.toBeNull(), soon);
    expect(run.problem.value).toContain('cannot be reached');
    addBest(5);
    addBest(6);
    await site.start();
    await vi.waitFor(() => expect(numbers(run)).toEqual([0, 1, 2, 3, 4, 5, 6]), soon);
    expect(run.problem.value).toBeNull();
    expect(run.replaced.value).toBe(false);
  });

  it('has no stream while the document is hidden, and continues when it is visible', async () => {
    const seen = Object.assign(new EventTarget(), { hidden: false });
    const setHidden = (hidden: boolean): void => {
      seen.hidden = hidden;
      seen.dispatchEvent(new Event('visibilitychange'));
    };
    // Outside of documents, another one listens all the time.
    const other = new LiveRun('a run');
    const listening = async (one: LiveRun): Promise<void> => {
      one.start();
      await vi.waitFor(() => expect(one.frontier.value.length).toBeGreaterThan(0), soon);
    };
    await listening(other);
    vi.stubGlobal('document', seen);
    live = new LiveRun('a run');
    const run = live;
    await listening(run);
    setHidden(true);
    for (const number of [5, 6]) {
      addBest(number);
      await vi.waitFor(() => expect(numbers(other)).toContain(number), soon);
    }
    other.end();
    // The first change would have come before the second one came to the other.
    expect(numbers(run)).toEqual([0, 1, 2, 3, 4]);
    expect(run.problem.value).toBeNull();
    setHidden(false);
    await vi.waitFor(() => expect(numbers(run)).toEqual([0, 1, 2, 3, 4, 5, 6]), soon);
    setHidden(true);
    setHidden(false);
    addBest(7);
    await vi.waitFor(() => expect(numbers(run)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]), soon);
    expect(run.replaced.value).toBe(false);
  });

  it('explains why a run cannot be shown, and shows it as soon as possible', async () => {
    store?.close();
    store = null;
    rmSync(workdir(), { recursive: true });
    live = new LiveRun('a run');
    live.start();
    const run = live;
    await vi.waitFor(() => expect(run.problem.value).toContain('a run'), soon);
    await begin(3);
    await vi.waitFor(() => expect(numbers(run)).toEqual([0, 1, 2]), soon);
    expect(run.problem.value).toBeNull();
  });

  it('reports that the run was replaced, even while the server was away', async () => {
    live = new LiveRun('a run');
    live.start();
    const run = live;
    await vi.waitFor(() => expect(run.frontier.value.length).toBeGreaterThan(0), soon);
    await site.stop();
    store?.close();
    rmSync(workdir(), { recursive: true });
    await begin(2);
    await site.start();
    await vi.waitFor(() => expect(run.replaced.value).toBe(true), soon);
    expect(run.problem.value).toContain('replaced by a new run');
    expect(numbers(run)).toEqual([0, 1, 2, 3, 4]);
  });

  it('is followed by the state of the file that replaces it, and nothing listens after the end', async () => {
    const followed = new FollowedRun('a run');
    followed.start();
    const first = followed.current.value;
    const remove = (): void => {
      store?.close();
      rmSync(workdir(), { recursive: true });
    };
    try {
      await vi.waitFor(() => expect(first.frontier.value.length).toBeGreaterThan(0), soon);
      remove();
      await begin(2);
      await vi.waitFor(() => expect(numbers(followed.current.value)).toEqual([0, 1]), soon);
      expect([followed.version, followed.current.value === first]).toEqual([1, false]);
      // The stream is open.
      await vi.waitFor(() => expect(followed.current.value.frontier.value.length).toBeGreaterThan(0), soon);
      // The end comes while the next file is awaited.
      remove();
      await vi.waitFor(() => expect(followed.current.value.replaced.value).toBe(true), soon);
    } finally {
      followed.end();
    }
    const { fetch } = globalThis;
    const requests = vi.fn(fetch);
    vi.stubGlobal('fetch', requests);
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(requests).not.toHaveBeenCalled();
  });
});
