import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Bundle } from '../../../../experiments/queue/artifacts/artifact.js';
import { bundleOf } from '../../../../experiments/queue/artifacts/bundles.js';
import type { Order } from '../../../../experiments/queue/wire.js';
import { LocalPool } from '../../../../experiments/runner/jobs/local-pool.js';
import type { TrainJob } from '../../../../experiments/runner/jobs/jobs.js';
import { mobilenetReference, type Network } from '../../../../spaces/index.js';
import { engineSchema, prepareDataset, trainSchema, type DatasetRef } from '../../../../trainers/index.js';
import { weightsHash } from '../../../../trainers/weights.js';
import { makeTinyDataset } from '../../../support/tiny-dataset.js';
import { describeWithValkey, startValkey, type Valkey } from '../../../support/valkey.js';
import { Stand, type Ended } from './stand.js';

const engine = engineSchema.parse({ type: 'compiled', provider: 'cpu' });

describeWithValkey('a worker of a queue', () => {
  let valkey: Valkey;
  let folder: string;
  let dataset: DatasetRef;
  let network: Network;
  /** Weights of four epochs on this machine without a queue. */
  let expected: string;

  const train = (epochs: number, checkpointSeconds = 0.1) =>
    trainSchema.parse({ epochs, batch: 32, loss: { type: 'cross-entropy' }, checkpoint_seconds: checkpointSeconds });

  beforeAll(async () => {
    valkey = await startValkey();
    folder = mkdtempSync(join(tmpdir(), 'nas-worker-'));
    dataset = await prepareDataset(makeTinyDataset(join(folder, 'data')), { cache: join(folder, 'cache') });
    network = mobilenetReference({ input: [28, 28, 1], classes: 10 }, 0.25);
    const pool = new LocalPool({ size: 1, retries: 0 });
    const fit: TrainJob = {
      kind: 'train',
      fit: {
        network,
        seed: 1,
        train: train(4),
        dataset,
        teacher: null,
        engine,
        threads: 1,
        directory: join(folder, 'local'),
      },
    };
    await pool.submit({ id: 'local', job: fit, sharing: 'shared' }).result;
    await pool.close();
    expected = weightsHash(join(folder, 'local', 'weights.bin'));
  });
  afterAll(async () => {
    await valkey.stop();
    rmSync(folder, { recursive: true });
  });

  const training = (data: Bundle, epochs = 4): Pick<Order, 'inputs' | 'folders' | 'job'> => ({
    inputs: { '@0': data },
    folders: { '@1': [] },
    job: {
      kind: 'train',
      fit: {
        network,
        seed: 1,
        train: train(epochs),
        dataset: { ...dataset, directory: '@0' },
        teacher: null,
        engine,
        threads: 1,
        directory: '@1',
      },
    },
  });
  const dataOf = (stand: Stand) => bundleOf(dataset.directory, stand.hosted);

  /** The weights that an answer speaks of. */
  async function weightsOf(stand: Stand, ended: Ended): Promise<string> {
    if (!('answer' in ended)) throw new Error(JSON.stringify(ended));
    expect(ended.answer.result).toMatchObject({ state: 'complete', weights: '@1/weights.bin' });
    const [file, ...others] = ended.answer.folders['@1'];
    expect(file.path).toBe('weights.bin');
    expect(others).toEqual([]);
    const target = join(stand.folder, 'taken.bin');
    await stand.hosted.get(file, target);
    return weightsHash(target);
  }

  it('trains what a local run trains, tells what it does, and leaves nothing', async () => {
    const stand = await Stand.open(valkey);
    const worker = await stand.worker();
    await stand.add('done', training(await dataOf(stand)));
    expect(await weightsOf(stand, await stand.end('done'))).toBe(expected);
    const news = stand.news.get('done') ?? [];
    expect(news[0]).toMatchObject({ kind: 'started', by: { id: worker.id, slot: 0, group: stand.lane.group } });
    const epochs = news.flatMap((n) => (n.kind === 'event' && n.event.kind === 'epoch' ? [n.event.metrics.epoch] : []));
    expect(epochs).toEqual([0, 1, 2, 3]);
    expect(news.some(({ kind }) => kind === 'files')).toBe(true);
    expect(worker.events.at(-1)).toMatchObject({ kind: 'ended', end: 'done' });
    expect(readdirSync(join(worker.directory, 'jobs'))).toEqual([]);
  });
});
