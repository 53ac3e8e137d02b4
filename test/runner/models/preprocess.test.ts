import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { completeDecoding } from '../../../base/preprocess.js';
import { evaluateOnSplit } from '../../../runner/index.js';
import { exportOnnx, type ModelMetadata } from '../../../deploy/index.js';
import { createDecoder } from '../../../serve/images/decoder.js';
import { openPool } from '../../../serve/inference/open-pool.js';
import { readFrontier } from '../../../serve/models/frontier.js';
import type { Network } from '../../../spaces/index.js';
import { candidateModel } from '../../../runner/jobs/candidate-model.js';
import {
  dataSchema,
  describeDataset,
  evaluationLoader,
  fit,
  onProcessor,
  prepareDataset,
  renderingOf,
  trainSchema,
  withDataset,
  type DataConfig,
  type DatasetRef,
} from '../../../trainers/index.js';
import { networkInference } from '../../../trainers/evaluate.js';
import { metadataFor } from '../../deploy/support/classifiers.js';
import { picture } from '../../serve/images/pictures.js';
import { serviceOf, testServer } from '../../serve/http/server.js';
import { temporaryFolder } from '../../support/temporary.js';
import { auto, quiet } from '../../trainers/support/tiny-training.js';

/** Files of odd sizes, as people have them. */
const files: readonly (readonly [name: string, image: Sharp])[] = [
  ['a.jpg', picture({ width: 641, height: 479 }).jpeg()],
  ['b.jpg', picture({ width: 301, height: 97 }).withMetadata({ orientation: 6 }).jpeg()],
  ['c.jpg', picture({ width: 99, height: 145, channels: 1 }).jpeg()],
  ['d.jpg', picture({ width: 257, height: 130 }).toColourspace('cmyk').jpeg()],
  ['e.png', picture({ width: 333, height: 211 }).png()],
  ['f.png', picture({ width: 90, height: 121, channels: 4 }).png()],
  ['g.png', picture({ width: 91, height: 120, channels: 2 }).png()],
  ['h.png', picture({ width: 123, height: 77 }).toColourspace('rgb16').png()],
  ['i.png', picture({ width: 17, height: 13 }).png()],
];
const classes = ['cat', 'dog'];
const network = (height: number, width: number): Network => ({
  kind: 'network',
  input: [height, width, 3],
  classes: classes.length,
  stem: { filters: 6, kernel: 3, stride: 2, act: 'relu' },
  blocks: [{ kind: 'mbconv', filters: 8, kernel: 3, stride: 2, act: 'hard_swish', expand: 2, se: 0.25 }],
  head: { filters: 8, act: 'relu', dropout: 0 },
});

let images = '';
let sent: readonly Buffer[] = [];

beforeAll(async () => {
  images = mkdtempSync(join(tmpdir(), 'nas-preprocess-'));
  sent = await Promise.all(files.map(([, image]) => image.toBuffer()));
  for (const split of ['train', 'val', 'test'])
    for (const [label, name] of classes.entries()) {
      mkdirSync(join(images, split, name), { recursive: true });
      for (const [i, [file]] of files.entries())
        // Each class and split has its own images, except that the test split of the first class has the files as they are.
        writeFileSync(
          join(images, split, name, file),
          split === 'test' && label === 0
            ? sent[i]
            : await sharp(sent[i])
                .negate()
                .modulate({ brightness: 1 - label / 5 })
                .toBuffer(),
        );
    }
  return () => rmSync(images, { recursive: true, force: true });
});

/** Renderings, and the size of a network that is trained for an epoch; the data's own is 24 x 32. */
const cases = [
  [{}, 24, 32],
  [{}, 37, 50],
  [{ fit: 'contain', background: '#336699' }, 37, 50],
  [{ fit: 'stretch', resampling: 'mitchell' }, 24, 32],
] as const;

describe('image files', () => {
  it.each(cases)(
    'give the same logits in training, evaluation and serving, rendered with %o at %d x %d',
    async (decoding, height, width) => {
      const folder = temporaryFolder();
      const data = dataSchema.parse({ type: 'image-folder', path: images, size: [24, 32], ...decoding });
      const dataset = await prepare(data, folder, [height, width]);
      const trained = await trainedFile(data, dataset, join(folder, 'model'), [height, width]);
      const { validationLoss, model, logits } = trained;
      const onValidation = await evaluateOnSplit(model, dataset, 'validation');
      expect(Math.abs(onValidation.loss - validationLoss)).toBeLessThan(1e-5);

      const frontier = await readFrontier(join(folder, 'model'));
      const pool = await openPool({ frontier, workers: 'inline', maxQueue: 100, maxBatch: 4 });
      const url = await testServer(serviceOf(pool), { decoder: createDecoder({ parallel: 2, maxPixels: 1e6 }) });
      try {
        for (const [i, body] of sent.entries()) {
          const answer = await fetch(`${url}/v1/classify`, { method: 'POST', body: new Uint8Array(body) });
          const { results } = (await answer.json()) as { results: { top: { class: string; probability: number }[] }[] };
          const [cat, dog] = classes.map((name) =>
            Math.log(results[0].top.find((one) => one.class === name)?.probability ?? NaN),
          );
          // Probabilities have one number less than logits: their difference.
          expect(Math.abs(cat - dog - (logits[2 * i] - logits[2 * i + 1])), files[i][0]).toBeLessThan(1e-5);
        }
      } finally {
        await pool.close();
      }
    },
  );
});

async function prepare(data: DataConfig, cache: string, size: readonly [number, number]): Promise<DatasetRef> {
  return prepareDataset(data, { cache, renderings: [{ ...renderingOf(data), size }] });
}

/** Trains a network for an epoch; its file, its loss by the training, and the logits of its test split by the training's loader. */
async function trainedFile(
  data: DataConfig,
  dataset: DatasetRef,
  folder: string,
  [height, width]: readonly [number, number],
) {
  const own = network(height, width);
  const train = trainSchema.parse({ epochs: 1, batch: 6 });
  const job = { network: own, seed: 1, train, dataset, teacher: null, engine: auto, threads: 1, directory: folder };
  const result = await fit(job, quiet());
  if (result.state !== 'complete') throw new Error(result.state);
  const { mean, std } = describeDataset(dataset);
  const metadata: ModelMetadata = {
    ...metadataFor(own.input, classes),
    mean,
    std,
    preprocess: completeDecoding(renderingOf(data)),
  };
  const trained = candidateModel({ network: own, seed: 1, weights: result.weights });
  const model = exportOnnx(trained, metadata);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'model.onnx'), model);
  const inference = await networkInference(trained, onProcessor, 1);
  const logits = await withDataset(dataset, async (open) => {
    const loader = evaluationLoader(open, 'test', 4, { size: [height, width] });
    const rows: number[] = [];
    for await (const { images: batch, size } of loader.epoch(0))
      rows.push(...(await inference.run(batch, [size, ...own.input])));
    await loader.close();
    return rows;
  });
  await inference.close();
  return { model: readFileSync(join(folder, 'model.onnx')), logits, validationLoss: result.curve[0].validation_loss };
}
