import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx, readMetadata, withDecoding } from '../../deploy/index.js';
import type { RunEvent } from '../../runner/events.js';
import { readBackbone, tuneDetector } from '../../runner/index.js';
import { evaluateOnSplit } from '../../runner/models/on-dataset.js';
import { detectionOf, type Network } from '../../spaces/index.js';
import { drawWeights, toOnnx, weightSpecs } from '../../spaces/models/index.js';
import {
  completeTraining,
  dataDefaults,
  prepareDataset,
  trainKeys,
  type BoxesConfig,
  type MasksConfig,
} from '../../trainers/index.js';
import { metadataFor } from '../deploy/support/classifiers.js';
import { makeBoxedImages, makeMaskedImages } from '../support/boxed-images.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { smallDetector } from '../support/trained-detector.js';
import { auto } from '../trainers/support/tiny-training.js';
import { cachedFolder } from './experiment.js';

const folder = cachedFolder();
const classifier: Network = { ...smallDetector, classes: 5, head: { filters: 8, act: 'relu', dropout: 0 } };
const weights = drawWeights(weightSpecs(classifier), 5);
let boxes: BoxesConfig;
let masks: MasksConfig;
beforeAll(async () => {
  boxes = await makeBoxedImages(join(folder, 'images'), { count: 30 });
  masks = await makeMaskedImages(join(folder, 'masked'), { count: 30 });
});

/** Writes a file. @returns its path */
function written(name: string, model: Uint8Array): string {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, model);
  return path;
}
const classesOf = (network: Network, own = weights): Uint8Array =>
  exportOnnx({ network, weights: own }, metadataFor(network.input, ['a', 'b', 'c', 'd', 'e'], { network }));

async function tuned(
  path: string,
  keys: object = {},
  own: Pick<BoxesConfig, 'task'> = {},
  data: BoxesConfig | MasksConfig = boxes,
  observe: (event: RunEvent) => void = () => undefined,
) {
  const dataset = { ...(await prepareDataset(data)), ...own };
  const train = completeTraining(trainKeys.parse({ epochs: 1, batch: 8, ...keys }), dataDefaults(data));
  const request = {
    backbone: await readBackbone(path),
    data: { ...data, ...own },
    dataset,
    seed: 1,
    threads: 1,
    train,
    engine: auto,
  };
  return tuneDetector(request, observe, new AbortController().signal);
}

describe('tuning on images with boxes', () => {
  it('makes a detector on the backbone of a classifier, and tunes a detector of the same classes with its head', async () => {
    const { model, report, directory } = await tuned(written('classifier', classesOf(classifier)), { epochs: 16 });
    expect(existsSync(join(directory, 'weights.bin'))).toBe(true);
    const { task, detection, network, accuracy } = readMetadata(model);
    expect(task).toEqual({ type: 'detection' });
    expect(detection).toMatchObject({ stride: 4, thresholds: [expect.any(Number), expect.any(Number)] });
    expect(network?.blocks).toEqual(classifier.blocks);
    expect(report).toMatchObject({ before: null, after: accuracy, classes: ['square', 'disc'] });

    const file = written('detector', model);
    const again = await tuned(file);
    expect(again.report.before?.test).toBeCloseTo(report.after.test, 6);
    // Another training begins with the weights that there are.
    expect(again.report.curve[0].train_loss).toBeLessThan(report.curve[0].train_loss);
    // Steps that are far too long leave nothing of the network: the file is written as it was.
    const spoilt = await tuned(file, { optimizer: { type: 'sgd', learning_rate: 1 } });
    expect(spoilt.report).toMatchObject({ adapted: 'none', before: spoilt.report.after });
    expect(Buffer.compare(spoilt.model, model)).toBe(0);
  });

  it('makes centroids of boxes, where the data says so, and tunes centroids as such', async () => {
    const path = written('boxes', exportOnnx(randomDetector(), detectorMetadata(randomDetector())));
    const { model, report } = await tuned(path, {}, { task: 'centroids' });
    const { task, network, detection } = readMetadata(model);
    expect([task, detection?.stride]).toEqual([{ type: 'centroids' }, 4]);
    expect(network?.head).toMatchObject({ centroids: true });
    expect(report).toMatchObject({ task: 'centroids', before: null });
    const again = await tuned(written('centroids', model));
    expect(again.report).toMatchObject({ task: 'centroids', before: report.after });
  });

  it('refuses a file with the decoding inside before it trains', async () => {
    const detector = randomDetector({ head: { centroids: true }, input: smallDetector.input });
    const path = written('decoded', withDecoding(exportOnnx(detector, detectorMetadata(detector)), 'x'));
    const events: RunEvent[] = [];
    const tuning = tuned(path, {}, {}, boxes, (event) => events.push(event));
    await expect(tuning).rejects.toThrow(/decoded.onnx gives centroids.*no outputs of a detector/);
    expect(events).toEqual([]);
  });

  it('makes a segmenter of a detector where the data has masks, and tunes it on them with its logits', async () => {
    const path = written('of-boxes', exportOnnx(randomDetector(), detectorMetadata(randomDetector())));
    const { model, report } = await tuned(path, { epochs: 8 }, {}, masks);
    const { task, network, detection, segmentation } = readMetadata(model);
    expect([task, detection, segmentation]).toEqual([{ type: 'segmentation' }, undefined, { stride: 4 }]);
    expect(network?.head).toMatchObject({ segmentation: true });
    expect(report).toMatchObject({ task: 'segmentation', before: null, classes: ['background', 'square', 'disc'] });
    const file = written('segmenter', model);
    const again = await tuned(file, {}, {}, masks);
    expect(again.report.before?.test).toBeCloseTo(report.after.test, 6);
    expect(again.report.curve[0].train_loss).toBeLessThan(report.curve[0].train_loss);
    const back = await tuned(file);
    expect(readMetadata(back.model).network?.head).not.toHaveProperty('segmentation');
  });

  it('takes the backbone of a file of another program', async () => {
    const path = written('foreign', toOnnx({ network: classifier, weights }));
    const { origin } = await readBackbone(path);
    expect(origin).toMatchObject({
      kind: 'recognised',
      model: { network: { blocks: { length: classifier.blocks.length } } },
    });
    const { report } = await tuned(path);
    expect(report.curve).toHaveLength(1);
  });

  it.each([
    ['shufflenet', 'detection', {}],
    ['densenet', 'centroids', { task: 'centroids' }],
    ['convnext', 'segmentation', 'masks'],
  ] as const)(
    'puts a new head on the layers of a file whose blocks no space has: %s, for %s',
    async (name, task, own) => {
      const path = fileURLToPath(new URL(`../compiler/foreign/fixtures/${name}.onnx`, import.meta.url));
      const notes: string[] = [];
      const { model, report } = await tuned(
        path,
        { epochs: 8 },
        own === 'masks' ? {} : own,
        own === 'masks' ? masks : boxes,
        (event) => event.kind === 'note' && notes.push(event.message),
      );
      expect(notes).toContainEqual(expect.stringContaining(`${name}.onnx is no network of a space`));
      expect(report).toMatchObject({ task, before: null, adapted: 'all' });
      const losses = report.curve.map(({ train_loss: loss }) => loss);
      expect(losses[7]).toBeLessThan(0.8 * losses[0]);
      const facts = readMetadata(model);
      expect(facts).toMatchObject({ task: { type: task }, accuracy: report.after });
      expect(facts.network).toBeUndefined();
      // The file answers as its training did.
      const dataset = { ...(await prepareDataset(own === 'masks' ? masks : boxes)), ...(own === 'masks' ? {} : own) };
      const again = await evaluateOnSplit(model, dataset, 'validation', { thresholds: 'best' });
      expect(again.accuracy).toBeCloseTo(report.after.validation, 5);
    },
  );

  it('takes images as a file of another program learned them', async () => {
    const path = join(folder, 'bytes.onnx');
    writeFileSync(path, toOnnx({ network: classifier, weights }));
    const backbone = await readBackbone(path);
    const dataset = await prepareDataset(boxes);
    const train = completeTraining(trainKeys.parse({ epochs: 1, batch: 8 }), dataDefaults(boxes));
    const request = { backbone, data: boxes, dataset, seed: 1, threads: 1, train, engine: auto };
    const curves = [];
    for (const written of [{}, { mean: 0, std: 1 }, { mean: 0, std: 1 / 255 }]) {
      const notes: string[] = [];
      const { report } = await tuneDetector(
        { ...request, written },
        (event) => event.kind === 'note' && notes.push(event.message),
        new AbortController().signal,
      );
      curves.push(report.curve[0].train_loss);
      expect(notes[0]).toMatch(/^bytes\.onnx takes images of \d+ x \d+ pixels; of pixel \/ 255, mean .* and std .*/);
    }
    expect(new Set(curves).size).toBeGreaterThan(1);
  });

  it('refuses a network without the maps that a head reads', async () => {
    const flat: Network = { ...classifier, blocks: [] };
    const path = written('flat', classesOf(flat, drawWeights(weightSpecs(flat), 1)));
    await expect(tuned(path)).rejects.toThrow(
      'flat.onnx makes maps of strides 2 to 2; a detector reads strides 4 to 16',
    );
    expect(detectionOf(flat)).toBeNull();
  });
});
