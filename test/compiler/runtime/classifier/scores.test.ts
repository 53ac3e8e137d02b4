import { describe, expect, it } from 'vitest';
import { classScores, metricsOf, Scoreboard } from '../../../../compiler/index.js';

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
    const { balanced_accuracy, macro_f1, worst_recall } = metricsOf(confusion);
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
        if (Number.isNaN(expected[c][i])) expect(value).toBeNaN();
        else expect(value).toBeCloseTo(expected[c][i], 7);
      });
  });
});

describe('the expected calibration error', () => {
  it('equals that of Guo et al. with 15 bins', () => {
    const { logits, labels } = overconfident();
    const board = new Scoreboard();
    board.add(logits.subarray(0, 30), labels.subarray(0, 30), 10);
    board.add(logits.subarray(30), labels.subarray(30), 30);
    const { calibrationError, loss, accuracy } = board.scores();
    expect(accuracy).toBe(0.625);
    expect(loss).toBeCloseTo(1.4101877891127432, 6);
    expect(calibrationError).toBeCloseTo(0.2658113732731342, 6);
  });

  it('is 0 for answers that are as sure as they are right, and counts certain answers', () => {
    const board = new Scoreboard();
    const sure = Math.log(3);
    // Three of four right at a confidence of 3/4.
    board.add(Float32Array.of(sure, 0, sure, 0, sure, 0, sure, 0), Float32Array.of(1, 0, 1, 0, 1, 0, 0, 1), 4);
    expect(board.scores().calibrationError).toBeCloseTo(0, 6);
    const certain = new Scoreboard();
    certain.add(Float32Array.of(200, -200, 200, -200), Float32Array.of(1, 0, 0, 1), 2);
    expect(certain.scores().calibrationError).toBeCloseTo(0.5, 6);
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
