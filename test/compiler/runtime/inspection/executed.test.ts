import { describe, expect, it } from 'vitest';
import { executedBy, hasLargeBytes, isFloat32, weightFormat } from '../../../../compiler/index.js';
import { byteModel } from '../../support/byte-models.js';

/** Multiply-accumulates of the three convolutions: 8 x 8 pixels, 16 channels. */
const [stem, middle, head] = [9, 16, 16].map((depth) => 64 * 16 * depth);

describe('what is executed', () => {
  it('is bytes where the pairs around products are fused', async () => {
    const executed = await executedBy(byteModel('bytes'));
    expect(executed).toMatchObject({
      precision: 'int8',
      weights: 'int8',
      integerShare: 1,
      products: { all: 3, integer: 3 },
      floats: [],
    });
    expect(executed.operators).toMatchObject({ QLinearConv: 3 });
    expect(executed.operators).not.toHaveProperty('Conv');
  });

  it('is floats where only the weights are bytes', async () => {
    const executed = await executedBy(byteModel('weights'));
    expect(executed).toMatchObject({ precision: 'fp32', weights: 'int8', integerShare: 0, floats: [] });
    expect(executed.products).toEqual({ all: 3, integer: 0 });
  });

  it('is float32 where weights are stored in float16 and cast: nothing is left of the casts', async () => {
    const executed = await executedBy(byteModel('half'));
    expect(executed).toMatchObject({ precision: 'fp32', weights: 'fp16', integerShare: 0 });
    expect(executed.operators).toEqual((await executedBy(byteModel('floats'))).operators);
  });

  it('counts multiply-accumulates, and names what stays in floats with its time', async () => {
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

  it('is found the same in models without names, and at other batches', async () => {
    const named = await executedBy(byteModel('mixed'));
    const nameless = await executedBy(byteModel('mixed', { named: false }), { batch: 3 });
    const of = ({ operators, precision, products, integerShare }: typeof named) => ({
      operators,
      precision,
      products,
      integerShare,
    });
    expect(of(nameless)).toEqual(of(named));
  });

  it('is floats without optimisation: nothing fuses the pairs', async () => {
    expect((await executedBy(byteModel('bytes'), { optimize: false })).precision).toBe('fp32');
  });
});

it('tells the format of weights, and whether there is anything but float32', () => {
  const forms = ['floats', 'half', 'bytes', 'weights'] as const;
  expect(forms.map((form) => weightFormat(byteModel(form)))).toEqual(['fp32', 'fp16', 'int8', 'int8']);
  expect(forms.map((form) => isFloat32(byteModel(form)))).toEqual([true, false, false, false]);
});

it('tells weights of 8 bits, which may saturate, from those of 7', () => {
  expect(hasLargeBytes(byteModel('bytes'))).toBe(true);
  expect(hasLargeBytes(byteModel('bytes', { bits: 7 }))).toBe(false);
  expect(hasLargeBytes(byteModel('floats'))).toBe(false);
});
