import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { augmentSchema } from '../../../trainers/data/augment/schema.js';
import { openBatches, type AnswerFile } from '../../../trainers/data/batches.js';
import { cellLabels, gridOf, targetValues, writeTargets } from '../../../trainers/data/box-targets.js';
import { openDataset, prepareDataset, type Dataset } from '../../../trainers/data/index.js';
import { makeBoxedImages } from '../../support/boxed-images.js';
import { sharedFolder } from '../../support/temporary.js';
import { answersOf } from '../support/answers.js';

const folder = sharedFolder();
const map = { size: [48, 60], stride: 4 } as const;
const grid = gridOf(map.size, map.stride);
const cells = grid.rows * grid.columns;
const depth = 2 + 4;
let dataset: Dataset;

/** Answers with the targets of each image. */
function perfectAnswers(): AnswerFile {
  const { count, boxed } = dataset.split('train');
  const maps = new Float32Array(count * cells * depth);
  const targets = new Float32Array(cells * targetValues);
  for (let position = 0; position < count; position++) {
    writeTargets(grid, boxed?.(position).boxes ?? [], targets);
    for (let cell = 0; cell < cells; cell++) {
      const [label, dx, dy, w, h] = targets.subarray(cell * targetValues);
      const box = label < 0 ? [0, 0, 0, 0] : [dx, dy, Math.log(w), Math.log(h)];
      maps.set([label === 0 ? 5 : -5, label === 1 ? 5 : -5, ...box], (position * cells + cell) * depth);
    }
  }
  return { ...answersOf(maps, { views: 1, count, outputs: cells * depth, half: true }), map };
}

beforeAll(async () => {
  const data = await makeBoxedImages(folder, { count: 40 });
  dataset = openDataset(await prepareDataset({ ...data, size: [...map.size] }, { cache: folder }));
  return () => dataset.close();
});

function open(steps: readonly unknown[], own: { readonly stride?: number } = {}) {
  const augment = augmentSchema.parse([...steps]);
  const answers = perfectAnswers();
  const source = openBatches({
    dataset,
    split: 'train',
    batch: 8,
    seed: 3,
    shuffle: true,
    augment,
    answers,
    stride: 4,
    ...own,
  });
  onTestFinished(() => source.close());
  return source;
}

/** The share of the cells with an object whose class has the largest logit, above 0, and that of the cells of background without one. */
function agreement(steps: readonly unknown[], wrong = 0): readonly [objects: number, background: number] {
  const source = open(steps);
  let [objects, found, background, silent] = [0, 0, 0, 0];
  for (let step = 0; step < 9; step++) {
    const { labels } = source.batch(0, step % source.stepsPerEpoch);
    const { teacher } = source.batch(wrong, step % source.stepsPerEpoch);
    if (teacher === null) throw new Error('no answers');
    for (let cell = 0; cell < labels.length / targetValues; cell++) {
      const label = labels[cell * targetValues];
      const logits = teacher.subarray(cell * depth, cell * depth + 2);
      const answer = Math.max(...logits) > 0 ? logits.indexOf(Math.max(...logits)) : cellLabels.background;
      if (label === cellLabels.background) [background, silent] = [background + 1, silent + Number(answer === label)];
      else [objects, found] = [objects + 1, found + Number(answer === label)];
    }
  }
  return [found / objects, silent / background];
}

describe('the answers of a batch', () => {
  it('are those to its images', () => {
    expect(agreement([])).toEqual([1, 1]);
    // Those of another pass belong to other images.
    expect(agreement([], 1)[0]).toBeLessThan(0.4);
  });

  it.each([
    ['window and flip', ['window', 'flip']],
    ['mosaic of four images', [{ type: 'mosaic', share: 1 }, 'window', 'flip']],
  ] as const)('move with new views in each pass: %s', (_, steps) => {
    const [objects, background] = agreement(steps);
    expect(objects).toBeGreaterThan(0.75);
    expect(background).toBeGreaterThan(0.97);
    expect(agreement(steps, 1)[0]).toBeLessThan(0.4);
  });

  it('are a pure function of pass and step', () => {
    const steps = [{ type: 'mosaic', share: 0.5 }, 'window', 'flip'];
    const [first, second] = [open(steps, { stride: 8 }), open(steps, { stride: 8 })];
    first.batch(0, 0);
    expect(first.batch(5, 2)).toEqual(second.batch(5, 2));
    expect(first.batch(5, 2).teacher).toHaveLength(8 * 6 * 8 * depth);
  });
});
