import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Bundle } from '../../../workers/artifacts/artifact.js';
import { bundleOf } from '../../../workers/artifacts/files.js';
import type { Ending, Order } from '../../../workers/transport/messages.js';
import type { Job } from '../../../runner/jobs/jobs.js';
import { defaultProtocol } from '../../../latency-models/index.js';
import { type EngineChoice, fit, prepareDataset, trainSchema, type DatasetRef } from '../../../trainers/index.js';
import type { Network } from '../../../spaces/index.js';
import { weightsHash } from '../../../trainers/weights.js';
import { makeTinyDataset } from '../../support/tiny-dataset.js';
import { tinyStudent } from '../../trainers/support/networks.js';
import { auto, quiet } from '../../trainers/support/tiny-training.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { Stand, workerOf } from './stand.js';

describeWithValkey('a worker of a queue', () => {
  let valkey: Valkey;
  let folder: string;
  let dataset: DatasetRef;
  const network = tinyStudent();
  /** Epochs of a training that goes on for a while after its first. */
  const epochs = 60;
  /** Weights of a training on this machine without a queue. */
  let expected: string;
  /** Weights of one epoch by the native engine. */
  let native: string;

  const train = (length: number) =>
    trainSchema.parse({ epochs: length, batch: 32, loss: { type: 'cross-entropy' }, checkpoint_seconds: 0.1 });

  beforeAll(async () => {
    valkey = await startValkey();
    folder = mkdtempSync(join(tmpdir(), 'nas-worker-'));
    const data = makeTinyDataset(join(folder, 'data'), { size: 10 });
    dataset = await prepareDataset(data, { cache: join(folder, 'cache') });
    const locally = async (length: number): Promise<string> => {
      const directory = join(folder, `${length}`);
      const job = {
        network,
        seed: 1,
        train: train(length),
        dataset,
        teacher: null,
        engine: auto,
        threads: 1,
        directory,
      };
      await fit(job, quiet());
      return weightsHash(join(directory, 'weights.bin'));
    };
    expected = await locally(epochs);
    native = await locally(1);
  });
  afterAll(async () => {
    await valkey.stop();
    rmSync(folder, { recursive: true });
  });

  const training = (
    data: Bundle,
    {
      engine = auto,
      trained = network,
      length = epochs,
    }: { engine?: EngineChoice; trained?: Network; length?: number } = {},
  ): Pick<Order, 'inputs' | 'folders' | 'job'> => ({
    inputs: { '@0': data },
    folders: { '@1': [] },
    job: {
      kind: 'train',
      fit: {
        network: trained,
        seed: 1,
        train: train(length),
        dataset: { ...dataset, directory: '@0' },
        teacher: null,
        engine,
        threads: 1,
        directory: '@1',
      },
    },
  });
  const dataOf = (stand: Stand) => bundleOf(dataset.directory, stand.hosted);

  /** The weights of an answer. */
  async function weightsOf(stand: Stand, ending: Ending): Promise<string> {
    expect(ending).toMatchObject({ kind: 'done', result: { state: 'complete', weights: '@1/weights.bin' } });
    const [file, ...others] = ending.folders['@1'];
    expect(file.path).toBe('weights.bin');
    expect(others).toEqual([]);
    const target = join(stand.folder, 'taken.bin');
    await stand.hosted.get(file, target);
    return weightsHash(target);
  }

  it('returns a training when it stops, and another worker continues it to the weights of a local run', async () => {
    const stand = await Stand.open(valkey);
    const first = await stand.worker();
    const order = training(await dataOf(stand));
    const sent = stand.heard('stopped', ({ event }) => event?.kind === 'epoch');
    await stand.add('stopped', order);
    await sent;
    await first.stop();
    const { kind, folders } = await stand.end('stopped');
    expect([kind, folders['@1'].map(({ path }) => path)]).toEqual(['returned', ['checkpoint.bin']]);
    const [begun] = stand.progress.get('stopped') ?? [];
    expect(begun).toEqual({ by: expect.objectContaining({ id: first.id, slot: 0 }) as unknown });
    const second = await stand.worker();
    await stand.add('stopped', { ...order, folders });
    expect(await weightsOf(stand, await stand.end('stopped'))).toBe(expected);
    const reported = second.events.flatMap((e) =>
      e.kind === 'event' && e.event.kind === 'epoch' ? [e.event.metrics.epoch] : [],
    );
    expect(reported).not.toContain(0);
    expect(reported.at(-1)).toBe(epochs - 1);
    expect(second.events.at(-1)).toMatchObject({ kind: 'ended', end: 'done' });
    for (const { directory } of [first, second]) expect(readdirSync(join(directory, 'jobs'))).toEqual([]);
  });

  it('fails an attempt for which it has no native engine, with what to do; where auto chose it, the compiled one trains', async () => {
    vi.stubEnv('NAS_NATIVE', 'off');
    const stand = await Stand.open(valkey);
    await stand.worker();
    const data = await dataOf(stand);
    for (const isa of [null, 'avx2'] as const) {
      await stand.add(`native ${isa}`, training(data, { engine: { type: 'native', isa } }));
      const { kind, error } = await stand.end(`native ${isa}`);
      // Another attempt may find a machine where it works.
      expect(kind).toBe('died');
      expect(error?.message).toMatch(
        /^the native engine does not work here: NAS_NATIVE is off \(Train on machines where it works, or with engine: compiled\./,
      );
    }
    await stand.add('auto', training(data, { length: 1 }));
    // The compiled engine sums in another order.
    expect(await weightsOf(stand, await stand.end('auto', 120_000))).not.toBe(native);
    vi.unstubAllEnvs();
  });

  it('names a content that the run does not have', async () => {
    const stand = await Stand.open(valkey);
    await stand.worker();
    const missing = { path: 'images.u8', sha256: 'f'.repeat(64), bytes: 5 };
    await stand.add('gone', training({ kind: 'folder', files: [missing] }));
    expect(await stand.end('gone')).toMatchObject({
      kind: 'incomplete',
      error: { message: expect.stringContaining('no content ffffffffffff') as string },
    });
  });

  it('answers invalid orders and jobs that it does not allow with a failure', async () => {
    const stand = await Stand.open(valkey);
    await stand.worker();
    await stand.addRaw('nonsense', { run: '../..', job: 1 });
    expect(await stand.end('nonsense')).toMatchObject({ kind: 'failed' });
    const inputs = await dataOf(stand);
    await stand.add('module', {
      inputs: { '@0': inputs },
      folders: {},
      job: { kind: 'evaluate', path: '@0', names: ['a'], subject: {} } as unknown as Job,
    });
    expect((await stand.end('module')).error?.message).toContain('--allow-modules');
  });

  it('pauses its jobs while another worker of the machine measures', async () => {
    const stand = await Stand.open(valkey);
    const measuring = await Stand.open(valkey, { tag: 'board' });
    const trainer = await stand.worker();
    const runs = stand.heard('trains', ({ folders }) => folders !== undefined);
    // Its epochs are so long that few events are in flight.
    const block = { kind: 'mbconv', filters: 128, kernel: 3, stride: 1, act: 'relu', expand: 6, se: 0 } as const;
    const order = training(await dataOf(stand), { trained: { ...network, blocks: [block, block] }, length: 1000 });
    await stand.add('trains', order);
    await runs;
    await workerOf(valkey, { tags: ['board'] });
    let since = Infinity;
    void measuring.heard('measures', ({ event }) => {
      if (event === undefined) since = trainer.events.length;
      return false;
    });
    await measuring.add('measures', {
      inputs: {},
      folders: {},
      job: {
        kind: 'measure',
        candidates: [{ network, seed: 1, choices: {} }],
        space: { config: { type: 'mobilenet' }, task: { input: network.input, classes: network.classes } },
        id: 'measures',
        device: { type: 'local', provider: 'cpu', threads: 1, batch: 1 },
        protocol: { ...defaultProtocol, maxBlocks: 5, minBlocks: 5 },
      },
    });
    const ended = await measuring.end('measures');
    const during = trainer.events.slice(since).filter(({ kind }) => kind === 'event').length;
    expect(ended.result).toMatchObject([{ ms: expect.any(Number) as number }]);
    // Events in flight when the measurement began, or after its end.
    expect(during).toBeLessThanOrEqual(3);
    await stand.cancel('trains');
    expect(await stand.end('trains')).toMatchObject({ result: { state: 'interrupted' } });
  });
});
