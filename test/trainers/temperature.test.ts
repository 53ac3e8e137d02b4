import { expect, test } from 'vitest';
import { fitTemperature } from '../../trainers/temperature.js';

test('the temperature is that which minimises the cross-entropy', () => {
  const [logits, labels] = [new Float32Array(120), new Float32Array(120)];
  for (let i = 0; i < 40; i++) {
    const row = [Math.sin(3 * i) * 3, Math.cos(5 * i) * 3, Math.sin(7 * i + 1) * 3];
    labels[3 * i + (i % 3)] = 1;
    for (const [c, value] of row.entries()) logits[3 * i + c] = 2 * (value + (i % 3 === c ? 2.5 : 0));
  }
  // LBFGS of PyTorch over log T on F.cross_entropy(logits / T, labels)
  expect(fitTemperature({ logits, labels, classes: 3 })).toBeCloseTo(3.9234777422422593, 4);
  const doubled = logits.map((z) => 2 * z);
  expect(fitTemperature({ logits: doubled, labels, classes: 3 })).toBeCloseTo(2 * 3.9234777422422593, 4);
});

test('stays in its bounds where all answers are right, or wrong', () => {
  const logits = Float32Array.of(2, 0, 3, 1);
  expect(fitTemperature({ logits, labels: Float32Array.of(1, 0, 1, 0), classes: 2 })).toBeCloseTo(0.05, 6);
  expect(fitTemperature({ logits, labels: Float32Array.of(0, 1, 0, 1), classes: 2 })).toBeCloseTo(20, 6);
});

test('the temperature of labels minimises the binary cross-entropy', () => {
  // sigmoid(2 / T) is the share of labels: 3/4.
  const labelled = { logits: new Float32Array(8).fill(2), labels: Float32Array.of(1, 1, 0, 1, 1, 0, 1, 1), classes: 2 };
  expect(fitTemperature(labelled, { type: 'multi-label' })).toBeCloseTo(2 / Math.log(3), 6);
});
