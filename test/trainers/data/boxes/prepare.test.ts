import { beforeAll, describe, expect, it } from 'vitest';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openBatches } from '../../../../trainers/data/batches.js';
import {
  boxesSchema,
  imageChanges,
  labelledImagesOf,
  prepareDataset,
  type BoxesConfig,
  type DatasetRef,
} from '../../../../trainers/index.js';
import { makeBoxedImages } from '../../../support/boxed-images.js';
import { sharedFolder } from '../../../support/temporary.js';
import { openedDataset } from '../../../support/tiny-dataset.js';

const folder = sharedFolder();
const cache = join(folder, 'cache');
let config: BoxesConfig;
let ref: DatasetRef;
beforeAll(async () => {
  config = await makeBoxedImages(join(folder, 'images'), { count: 40 });
  ref = await prepareDataset(config, { cache });
});

describe('a data set of boxes', () => {
  it('has the task, the classes and the splits of the data', () => {
    const { info } = openedDataset(ref);
    expect(info).toMatchObject({ task: { type: 'detection' }, classes: ['square', 'disc'], height: 48, width: 48 });
    expect(info.counts.train + info.counts.validation + info.counts.test).toBe(40);
    expect(info.counts.validation).toBeGreaterThan(4);
  });

  it('shows the whole image between grey bars, with its boxes in pixels', () => {
    const split = openedDataset(ref).split('train');
    const pixels = new Uint8Array(48 * 48 * 3);
    let boxesSeen = 0;
    for (let position = 0; position < split.count; position++) {
      split.read([position], pixels);
      expect([...pixels.subarray(0, 3)]).toEqual([114, 114, 114]);
      for (const { left, right, top, bottom, label } of split.boxed?.(position).boxes ?? []) {
        const at = (Math.floor((top + bottom) / 2) * 48 + Math.floor((left + right) / 2)) * 3;
        const [red, , blue] = pixels.subarray(at, at + 3);
        expect(label).toBe(red > blue ? 0 : 1);
        boxesSeen++;
      }
    }
    expect(boxesSeen).toBeGreaterThan(30);
  });

  it('renders unequal sides and further sizes, with the boxes in each', async () => {
    const renderings = [
      { fit: 'contain', background: '#727272', resampling: 'lanczos3', size: [24, 60], channels: 3 },
    ] as const;
    const dataset = openedDataset(await prepareDataset(config, { cache, renderings }));
    const [own, other] = [dataset.split('train'), dataset.split('train', [24, 60])];
    const [a, b] = [own.boxed?.(0), other.boxed?.(0)];
    expect(a?.placement).toMatchObject({ left: 0, top: 5 });
    expect(b?.placement).toMatchObject({ left: 15, top: 0, scaleX: 0.5, scaleY: 0.5 });
    expect(b?.boxes).toHaveLength(a?.boxes.length ?? 0);
  });

  it('hashes the boxes', async () => {
    const moved = await makeBoxedImages(join(folder, 'other'), { count: 40, seed: 2 });
    expect(openedDataset(await prepareDataset(moved, { cache })).info.hash).not.toBe(openedDataset(ref).info.hash);
  });

  it('lists the boxes of each image, which decide what a run reads', async () => {
    const folderOf = (name: string) => makeBoxedImages(join(folder, name), { count: 30, seed: 3 });
    const [before, after] = [await folderOf('before'), await folderOf('after')];
    const file = join(after.path, 'boxes.json');
    const boxes = JSON.parse(readFileSync(file, 'utf8')) as { annotations: { bbox: number[] }[] };
    boxes.annotations[0].bbox[2]++;
    writeFileSync(file, JSON.stringify(boxes));
    const [was, is] = [before, after].map(async (one) => labelledImagesOf(await prepareDataset(one, { cache })));
    const changes = imageChanges((await was).rows, (await is).rows);
    expect((await is).hash).not.toBe((await was).hash);
    expect(changes).toMatchObject({ added: [], removed: [], content: [] });
    expect(changes.label).toEqual([expect.stringMatching(/^0000.png: (square|disc) \d+ \d+ \d+ \d+/)]);
  });

  it('has a longer side of 192 pixels and the proportions of its images by default', async () => {
    const { path } = config;
    const { height, width } = openedDataset(
      await prepareDataset(boxesSchema.parse({ type: 'boxes', path }), { cache }),
    ).info;
    expect([height, width]).toEqual([160, 192]);
  });

  it('gives batches with targets, the same for the same seeds', () => {
    const options = {
      dataset: openedDataset(ref),
      split: 'train',
      ...{ batch: 4, seed: 3, shuffle: true, dropLast: true, stride: 4 },
      augment: [{ type: 'window', zoom: 0.3, aspect: 0.1, visible: 0.4 }, { type: 'flip' }],
    } as const;
    const [first, second] = [openBatches(options), openBatches(options)];
    const batch = first.batch(1, 2);
    expect(batch.labels).toHaveLength(4 * 12 * 12 * 5);
    expect(batch.labels).toEqual(second.batch(1, 2).labels);
    expect(batch.images).toEqual(second.batch(1, 2).images);
    expect(batch.labels.filter((value, at) => at % 5 === 0 && value >= 0).length).toBeGreaterThan(4);
  });
});
