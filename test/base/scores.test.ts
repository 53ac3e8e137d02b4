import { describe, expect, it } from 'vitest';
import { ClassScoreboard, createScoreboard } from '../../base/scoreboard.js';
import { classScores, metricsOf } from '../../base/scores.js';

/** Class 2 has no images, but is predicted. */
const confusion = [
  [50, 3, 0, 2],
  [4, 10, 1, 0],
  [0, 0, 0, 0],
  [1, 0, 2, 7],
];

/** Numbers of scikit-learn 1.4 for labels and predictions with these counts; the comments are its calls. */
describe('metrics by class', () => {
  it('equal those of scikit-learn', () => {
    const { balanced_accuracy, macro_f1, worst_recall } = metricsOf({
      type: 'classification',
      confusion,
      calibrationError: 0,
    });
    expect(balanced_accuracy).toBeCloseTo(0.7585858585858585, 10); // balanced_accuracy_score(y, p)
    expect(macro_f1).toBeCloseTo(0.5900546821599453, 10); // f1_score(y, p, average='macro', zero_division=0)
    expect(worst_recall).toBeCloseTo(0.6666666666666666, 10); // min(recall_score(y, p, labels=[0, 1, 3], average=None))
  });

  it('have precision, recall, F1 and images of each class', () => {
    // precision_recall_fscore_support(y, p, labels=[0, 1, 2, 3], zero_division=nan)
    const expected = [
      [0.90909091, 0.90909091, 0.90909091, 55],
      [0.76923077, 0.66666667, 0.71428571, 15],
      [0, NaN, 0, 0],
      [0.77777778, 0.7, 0.73684211, 10],
    ];
    for (const [c, { precision, recall, f1, count }] of classScores(confusion).entries())
      [precision, recall, f1, count].forEach((value, i) => {
        if (Number.isNaN(expected[c][i])) expect(value).toBeNull();
        else expect(value).toBeCloseTo(expected[c][i], 7);
      });
  });
});

describe('the expected calibration error', () => {
  it('equals that of Guo et al. with 15 bins', () => {
    const { logits, labels } = overconfident();
    const board = new ClassScoreboard();
    board.add(logits.subarray(0, 30), labels.subarray(0, 30), 10);
    board.add(logits.subarray(30), labels.subarray(30), 30);
    const { details, loss, accuracy } = board.scores();
    expect(accuracy).toBe(0.625);
    expect(loss).toBeCloseTo(1.4101877891127432, 6);
    expect(details.calibrationError).toBeCloseTo(0.2658113732731342, 6);
  });

  it('is 0 for answers that are as sure as they are right, and counts certain answers', () => {
    const board = new ClassScoreboard();
    const sure = Math.log(3);
    // Three of four right at a confidence of 3/4.
    board.add(Float32Array.of(sure, 0, sure, 0, sure, 0, sure, 0), Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1), 4);
    expect(board.scores().details.calibrationError).toBeCloseTo(0, 6);
    const certain = new ClassScoreboard();
    certain.add(Float32Array.of(200, -200, 200, -200), Float32Array.of(1, 0, 0, 1), 2);
    expect(certain.scores().details.calibrationError).toBeCloseTo(0.5, 6);
  });
});

/** The logits of the script that computed the numbers above: 40 images of 3 classes in turn. */
function overconfident() {
  const [logits, labels] = [new Float32Array(120), new Float32Array(120)];
  for (let i = 0; i < 40; i++) {
    // torch.stack([sin(3 * i) * 3, cos(5 * i) * 3, sin(7 * i + 1) * 3], 1) + 2.5 * one_hot(i % 3), times 2
    const row = [Math.sin(3 * i) * 3, Math.cos(5 * i) * 3, Math.sin(7 * i + 1) * 3];
    labels[3 * i + (i % 3)] = 1;
    for (const [c, value] of row.entries()) logits[3 * i + c] = 2 * (value + (i % 3 === c ? 2.5 : 0));
  }
  return { logits, labels };
}

/** The expected numbers are scikit-learn's and PyTorch's for these values; the comments are the calls. */
describe('labels', () => {
  const rows = Array.from({ length: 20 }, (_, i) => [0, 1, 2].map((k) => 2 * Math.sin(3 * i + 2 * k)));
  // Two images share their places in all rankings.
  rows[5] = rows[4];
  const present = (i: number, k: number): boolean => k < 2 && Math.cos(5 * i + k) + 0.5 * Math.sin(3 * i + 2 * k) > 0.6;
  const targets = rows.map((row, i) => row.map((_, k) => Number(present(i, k))));

  it('have the average precision, F1 and loss of scikit-learn and PyTorch; one without images has no place in the mean', () => {
    const board = createScoreboard({ type: 'multi-label' }, 3);
    board.add(Float32Array.from(rows.slice(0, 7).flat()), Float32Array.from(targets.slice(0, 7).flat()), 7);
    board.add(Float32Array.from(rows.slice(7).flat()), Float32Array.from(targets.slice(7).flat()), 13);
    const { accuracy, loss, count, details } = board.scores();
    if (details.type !== 'multi-label') throw new Error('another task');
    // average_precision_score(y[:, k], z[:, k])
    expect(details.labels[0].averagePrecision).toBeCloseTo(0.40930402930402926, 7);
    expect(details.labels[1].averagePrecision).toBeCloseTo(0.35762987012987013, 7);
    expect(details.labels[2]).toMatchObject({ count: 0, averagePrecision: null, recall: null });
    expect(accuracy).toBeCloseTo(0.3834669497169497, 7);
    // f1_score(y, z > 0, average='macro')
    expect(metricsOf(details).macro_f1).toBeCloseTo(0.291005291005291, 7);
    // F.binary_cross_entropy_with_logits(z, y)
    expect(loss).toBeCloseTo(0.8082812428474426, 6);
    expect(count).toBe(20);
  });
});

describe('numbers', () => {
  const mean = [10, -2];
  const std = [4, 0.5];
  const truth = Array.from({ length: 15 }, (_, i) => [10 + 3 * Math.sin(i), -2 + 0.5 * Math.cos(2 * i)]);
  const outputs = truth.map((_, i) => [
    10 + 2 * Math.sin(i) + 0.5 * Math.cos(9 * i),
    -2 + 0.4 * Math.cos(2 * i) + 0.1 * Math.sin(4 * i),
  ]);
  const scaled = (rows: number[][]) =>
    Float32Array.from(rows.flatMap((row) => row.map((value, k) => (value - mean[k]) / std[k])));

  it('have the errors of scikit-learn in their own units', () => {
    const board = createScoreboard({ type: 'regression', mean, std }, 2);
    board.add(scaled(outputs), scaled(truth), 15);
    const { accuracy, details } = board.scores();
    if (details.type !== 'regression') throw new Error('another task');
    const [first, second] = details.numbers;
    // r2_score, mean_absolute_error with multioutput='raw_values'; the root of the mean squared error
    expect(first.r2).toBeCloseTo(0.86240303, 5);
    expect(second.r2).toBeCloseTo(0.89971912, 5);
    expect(accuracy).toBeCloseTo((first.r2 + second.r2) / 2, 12);
    expect(first.mae).toBeCloseTo(0.64925672, 5);
    expect(second.rmse).toBeCloseTo(0.11579267, 5);
    expect(metricsOf(details).mae).toBeCloseTo((0.64925672 + 0.09831663) / 2, 5);
  });

  it('explain nothing of constant targets', () => {
    const board = createScoreboard({ type: 'regression', mean: [0], std: [1] }, 1);
    board.add(Float32Array.of(1, 2), Float32Array.of(1, 1), 2);
    expect(board.scores().accuracy).toBe(0);
  });
});
