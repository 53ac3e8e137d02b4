import { expect, it } from 'vitest';
import type { Details } from '../../../base/scores.js';
import { TrainingFiles } from '../../../trainers/training/checkpoint.js';
import { temporaryFolder } from '../../support/temporary.js';

const ratios = { precision: 0.5, recall: null, f1: 0.5 };
const labels = [{ ...ratios, count: 2, averagePrecision: 0.5, errors: { averagePrecision: 0.1 } }];
const numbers = [{ mae: 1, rmse: 2, r2: 0.5, errors: { mae: 0.1, rmse: 0.2, r2: 0.3 } }];
const boxes = [{ ...ratios, boxes: 2, ap50: 0.5, ap: null, threshold: 0.3, curve: [1, 0.5] }];
const pixels = [{ pixels: 9, iou: 0.5, precision: 1, recall: 1, errors: { iou: 0.1 } }];
const sides = [{ from: 0, to: null, boxes: 2, recall: 0.5 }];

const details: { readonly [T in Details['type']]: Extract<Details, { type: T }> | Details } = {
  classification: { type: 'classification', confusion: [[1]], calibrationError: 0.5 },
  'multi-label': { type: 'multi-label', labels, errors: { score: 0.1, macro_f1: 0.2 } },
  regression: { type: 'regression', numbers, errors: { score: 0.1, mae: 0.2 } },
  detection: { type: 'detection', classes: boxes, sides, errors: { score: 0.1, ap: 0.2 } },
  centroids: { type: 'centroids', classes: [{ ...ratios, boxes: 2, threshold: 0.3 }], sides, errors: { score: 0.1 } },
  segmentation: {
    ...{ type: 'segmentation', confusion: [[9]], classes: pixels },
    errors: { score: 0.1, worst_iou: 0.2, pixel_accuracy: 0.3 },
  },
};

it.each(Object.entries(details))('files of a training keep all scores of %s', (_, scores) => {
  const files = new TrainingFiles(temporaryFolder(), 'job');
  const validations = { curve: [], details: scores };
  files.writeWeights(validations, new Map());
  files.writeBest(validations, new Map());
  expect(files.readFinished()).toEqual(validations);
  expect(files.readBest().details).toEqual(scores);
});
