import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { drawReport } from '../../api/report.js';
import { readMetadata } from '../../deploy/index.js';
import { evaluateOnSplit } from '../../runner/index.js';
import { databasePath, frontierModel } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { prepareDataset, type MasksConfig } from '../../trainers/index.js';
import { makeMaskedImages } from '../support/boxed-images.js';
import { writeBoxesExperiment } from './boxes-experiment.js';
import { cachedFolder, reading } from './experiment.js';
import { findings } from './findings.js';
import { interruptInside, runInside } from './inside.js';

const folder = cachedFolder();
let data: MasksConfig;
beforeAll(async () => {
  data = await makeMaskedImages(join(folder, 'images'), { count: 50 });
});

describe('a run on images with masks', () => {
  it('ends with a frontier, whose files are scored as the run scored them, and a report with images', async () => {
    const workdir = join(folder, 'whole');
    const { expected } = await runInside(writeBoxesExperiment(folder, 'whole', data), workdir);
    const [first] = reading(workdir, ({ finals }) => finals.all());
    const file = readFileSync(join(workdir, frontierModel(first.trial, 'fp32')));
    const { task, segmentation, accuracy } = readMetadata(file);
    expect([task, [4, 8]]).toEqual([{ type: 'segmentation' }, expect.arrayContaining([segmentation?.stride])]);
    const { accuracy: test, details } = await evaluateOnSplit(file, await prepareDataset(data), 'test', {
      keepsWrong: true,
    });
    expect([test, test]).toEqual([first.testAccuracy, accuracy?.test]);
    const stored = reading(workdir, ({ classResults }) =>
      classResults.of(first.trial).findLast(({ stage, split }) => stage === 'final' && split === 'test'),
    );
    // Images are kept with their masks, and the report draws them.
    expect(stored?.details).toEqual(details);
    if (details.type !== 'segmentation') throw new Error('other details');
    expect(details.seen?.worst[0].path).toMatch(/^images\/\d{4}\.png$/);
    using store = Store.open(databasePath(workdir), { readonly: true });
    const report = (await drawReport(store))['report.html'];
    for (const part of ['mIoU', 'Images with most wrong pixels', '<img src="data:image/webp'])
      expect([part, report.includes(part)]).toEqual([part, true]);

    const parts = writeBoxesExperiment(folder, 'parts', data, { name: 'whole' });
    expect(await interruptInside(parts, join(folder, 'parts'), 2)).toEqual(expected);
    expect(findings(workdir)).toEqual(expected);
  });

  it('ends with a frontier of members of a supernet, with int8 files by mIoU', async () => {
    const workdir = join(folder, 'supernet');
    const changes = {
      ...{ objectives: ['miou', 'macs'], supernet: { steps: 6, networks: 1 }, final: { steps: 6 } },
      search: { evaluate: 'supernet', trials: 2, parallel: 1 },
      compress: { int8: 'require', calibration: { images: 8 }, max_accuracy_drop: 1 },
    };
    await runInside(writeBoxesExperiment(folder, 'supernet', data, changes), workdir);
    const [first] = reading(workdir, ({ finals }) => finals.all());
    expect(reading(workdir, ({ trials }) => trials.get(first.trial)?.values)).toHaveProperty('supernet_miou');
    const int8 = readFileSync(join(workdir, frontierModel(first.trial, 'int8')));
    const { accuracy } = readMetadata(int8);
    const scores = await evaluateOnSplit(int8, await prepareDataset(data), 'test');
    expect(scores.accuracy).toBe(accuracy?.test);
  });
});
