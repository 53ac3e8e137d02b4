import { describe, expect, it } from 'vitest';
import { executedBy, hasLargeBytes, isFloat32, weightFormat } from '../../../../compiler/index.js';
import { byteModel } from '../../support/byte-models.js';

/** Multiply-accumulates of the three convolutions: 8 x 8 pixels, 16 channels. */
const [stem, middle, head] = [9, 16, 16].map((depth) => 64 * 16 * depth);

describe('the executed precision', () => {
  it('is bytes where the pairs around products are fused', async () => {
    const executed = await executedBy(byteModel('bytes'));
    expect(executed).toMatchObject({ precision: 'int8', weights: 'int8', integerShare: 1, floats: [] });
    expect(executed.products).toEqual({ all: 3, integer: 3 });
    expect(executed.operators).toMatchObject({ QLinearConv: 3 });
    expect(executed.operators).not.toHaveProperty('Conv');
  });

  it('is floats where only the weights are bytes', async () => {
    const executed = await executedBy(byteModel('weights'));
    expect(executed).toMatchObject({ precision: 'fp32', weights: 'int8', integerShare: 0, floats: [] });
    expect(executed.products).toEqual({ all: 3, integer: 0 });
  });

  it('is float32 where weights are stored in float16 and cast: the casts are folded', async () => {
    const executed = await executedBy(byteModel('half'));
    expect(executed).toMatchObject({ precision: 'fp32', weights: 'fp16', integerShare: 0 });
    expect(executed.operators).toEqual((await executedBy(byteModel('floats'))).operators);
  });

  it('has the share of multiply-accumulates in bytes, and the nodes in floats with their times', async () => {
    const executed = await executedBy(byteModel('mixed'));
    expect(executed.precision).toBe('int8');
    expect(executed.products).toEqual({ all: 3, integer: 2 });
    expect(executed.integerShare).toBeCloseTo((stem + head) / (stem + middle + head), 6);
    expect(executed.floats.map(({ operator, layer }) => `${operator} of ${layer}`)).toEqual([
      'Conv of middle',
      'Exp of middle',
    ]);
    for (const { ms } of executed.floats) expect(ms).toBeGreaterThanOrEqual(0);
  });

  it('is the same in models without names and at other batches', async () => {
    const named = await executedBy(byteModel('mixed'));
    const nameless = await executedBy(byteModel('mixed', { named: false }), { batch: 3 });
    const { operators, precision, products, integerShare } = named;
    expect(nameless).toMatchObject({ operators, precision, products, integerShare });
  });

  it('is floats without optimisation: the pairs are not fused', async () => {
    expect((await executedBy(byteModel('bytes'), { optimize: false })).precision).toBe('fp32');
  });
});

it('weightFormat and isFloat32 name the stored formats', () => {
  const forms = ['floats', 'half', 'bytes', 'weights'] as const;
  expect(forms.map((form) => weightFormat(byteModel(form)))).toEqual(['fp32', 'fp16', 'int8', 'int8']);
  expect(forms.map((form) => isFloat32(byteModel(form)))).toEqual([true, false, false, false]);
});

it('hasLargeBytes is true for weights of 8 bits, which may saturate, not of 7', () => {
  expect(hasLargeBytes(byteModel('bytes'))).toBe(true);
  expect(hasLargeBytes(byteModel('bytes', { bits: 7 }))).toBe(false);
  expect(hasLargeBytes(byteModel('floats'))).toBe(false);
});
