import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx, readMetadata } from '../../../deploy/index.js';
import { evaluateOnSplit } from '../../../runner/index.js';
import { readShrinkSubject } from '../../../runner/shrink/subject.js';
import { shrinkFile } from '../../../runner/shrink/shrink-file.js';
import { costs, type Network } from '../../../spaces/index.js';
import { initialWeights } from '../../../spaces/models/index.js';
import {
  completeTraining,
  dataDefaults,
  prepareDataset,
  trainKeys,
  type DataConfig,
  type DatasetRef,
} from '../../../trainers/index.js';
import { makeMaskedImages } from '../../support/boxed-images.js';
import { detectorMetadata, randomDetector } from '../../support/detector-files.js';
import { smallDetector, trainedDetector, type TrainedDetector } from '../../support/trained-detector.js';
import { auto } from '../../trainers/support/tiny-training.js';
import { cachedFolder } from '../experiment.js';

const folder = cachedFolder();

interface Learned {
  readonly config: DataConfig;
  readonly dataset: DatasetRef;
}

let trained: TrainedDetector;
beforeAll(async () => {
  trained = await trainedDetector(folder, join(folder, 'cache'));
}, 240_000);

async function shrunk(model: Uint8Array, epochs: number, macs: number, on: Learned = trained) {
  const { config: data, dataset } = on;
  const path = join(folder, 'model.onnx');
  writeFileSync(path, model);
  const train = completeTraining(trainKeys.parse({ epochs, batch: 8 }), dataDefaults(data));
  const subject = await readShrinkSubject(path, undefined);
  return shrinkFile(
    {
      ...{ subject, target: { objective: 'macs', value: macs }, multiple: 2, epochs, device: null },
      ...{ data, dataset, train, engine: auto, threads: 1 },
    },
    () => undefined,
    new AbortController().signal,
  );
}

describe('nas shrink of a detector', { timeout: 300_000 }, () => {
  it('cuts it, fine-tunes it with itself as teacher, and chooses new thresholds', async () => {
    const { network, onnx, thresholds, dataset } = trained;
    const budget = Math.round(0.6 * costs(network).macs);
    const { model, report } = await shrunk(onnx, 3, budget);
    const { cut, tuned, widths } = report;
    expect(tuned.macs).toBeLessThanOrEqual(budget);
    expect(tuned.validation).toBeGreaterThan(cut.validation);
    expect(Object.keys(widths).length).toBeGreaterThan(0);
    const { task, detection } = readMetadata(model);
    expect([task, detection?.stride]).toEqual([{ type: 'detection' }, 4]);
    expect(detection?.thresholds).not.toEqual(thresholds);
    expect((await evaluateOnSplit(model, dataset, 'test')).accuracy).toBeCloseTo(tuned.test, 6);
  });

  it('keeps centroids, also with itself as teacher', async () => {
    const centroids = randomDetector({ head: { centroids: true, width: 8 }, input: [48, 48, 3] });
    const budget = Math.round(0.8 * costs(centroids.network).macs);
    const { model, report } = await shrunk(exportOnnx(centroids, detectorMetadata(centroids)), 1, budget);
    expect(report).toMatchObject({ task: 'centroids', epochs: 1 });
    expect(readMetadata(model).task).toEqual({ type: 'centroids' });
  });

  it('cuts a segmenter, which is its own teacher, with its gate', async () => {
    const config = await makeMaskedImages(join(folder, 'masked'), { count: 60 });
    const dataset = await prepareDataset(config, { cache: join(folder, 'cache') });
    const head = { ...smallDetector.head, segmentation: true, se: 0.5 } as const;
    const network: Network = { ...smallDetector, classes: 3, head };
    const untrained = { network, weights: initialWeights(network, 1) };
    const metadata = detectorMetadata(untrained, { classes: ['background', 'square', 'disc'] });
    const budget = Math.round(0.7 * costs(network).macs);
    const { model, report } = await shrunk(exportOnnx(untrained, metadata), 1, budget, { config, dataset });
    expect(report.tuned.macs).toBeLessThanOrEqual(budget);
    expect(Object.keys(report.widths)).toEqual(expect.arrayContaining(['head_se_reduce']));
    const { task, segmentation, network: cut } = readMetadata(model);
    expect([task, segmentation]).toEqual([{ type: 'segmentation' }, { stride: 4 }]);
    expect(cut?.head).toMatchObject({ segmentation: true });
    expect((await evaluateOnSplit(model, dataset, 'test')).accuracy).toBeCloseTo(report.tuned.test, 6);
  });
});
