import { classification } from '../../base/task.js';
import { expect, it } from 'vitest';
import { integerArithmetic } from '../../compiler/index.js';
import { evaluateOnnx, type LabelledImages } from '../../deploy/index.js';
import { byteModel } from '../compiler/support/byte-models.js';

const classes = Array.from({ length: 16 }, (_, i) => `class ${i}`);
const data = { task: classification, height: 8, width: 8, channels: 1, classes, mean: [0], std: [1] };

/** Bright images, whose bytes are near the maximum; each has a different label. */
async function* bright(): AsyncIterable<LabelledImages> {
  const labels = new Float32Array(classes.length ** 2);
  for (let i = 0; i < classes.length; i++) labels[i * (classes.length + 1)] = 1;
  yield await Promise.resolve({
    images: new Float32Array(classes.length * 64).fill(7.9),
    labels,
    size: classes.length,
  });
}

const lossOf = async (bits: 7 | 8, exactIntegers?: boolean): Promise<number> => {
  const options = { data, ...(exactIntegers === undefined ? {} : { exactIntegers }) };
  return (await evaluateOnnx(byteModel('bytes', { bits }), bright(), options)).loss;
};

it('evaluates int8 models exactly by default, which differs for 8-bit weights where sums saturate', async () => {
  const exact = await lossOf(8);
  expect(exact).toBe(await lossOf(8, true));
  const asHere = await lossOf(8, false);
  if ((await integerArithmetic()) === 'saturating') expect(asHere).not.toBe(exact);
  else expect(asHere).toBe(exact);
});

it('computes the same loss for 7-bit weights in exact and default arithmetic', async () => {
  expect(await lossOf(7, false)).toBe(await lossOf(7, true));
});
