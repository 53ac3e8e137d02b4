import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  byteRange,
  meanMultiplier,
  multiplierOf,
  roundAway,
  scaled,
  toByte,
} from '../../../deploy/edge/fixed-point.js';
import type { EdgeOperator, EdgeProgram, Quantization } from '../../../deploy/edge/program.js';
import {
  computeOperator,
  imageShape,
  quantizationOf,
  runReference,
  type Numbers,
} from '../../../deploy/edge/reference.js';
import { byteTable, valueOf } from '../../../deploy/edge/tables.js';
import { Programs, randomImage, randomProgram } from './support/programs.js';

const at = (scale: number, zero: number): Quantization => ({ scales: Float32Array.of(scale), zero });

describe('factors of 31 bits', () => {
  const sums = fc.integer({ min: -(2 ** 26), max: 2 ** 26 });
  const factors = fc.double({ min: 1e-9, max: 8, noNaN: true });

  test('one rounding is that of whole numbers without a limit', () => {
    fc.assert(
      fc.property(sums, factors, (sum, factor) => {
        const multiplier = multiplierOf(factor);
        const { mantissa, shift } = multiplier;
        const bits = BigInt(31 - shift);
        const expected = (BigInt(sum) * BigInt(mantissa) + (1n << (bits - 1n))) >> bits;
        expect(BigInt(scaled.exact(sum, multiplier))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test("two roundings are those of TFLite Micro's code", () => {
    fc.assert(
      fc.property(sums, factors, (sum, factor) => {
        const multiplier = multiplierOf(factor);
        const { mantissa, shift } = multiplier;
        const product = (BigInt(sum) << BigInt(Math.max(shift, 0))) * BigInt(mantissa);
        const high = (product + (product >= 0n ? 1n << 30n : 1n - (1n << 30n))) / (1n << 31n);
        const bits = BigInt(Math.max(-shift, 0));
        const [mask, negative] = [(1n << bits) - 1n, high < 0n ? 1n : 0n];
        const expected = (high >> bits) + ((high & mask) > (mask >> 1n) + negative ? 1n : 0n);
        expect(BigInt(scaled.tflm(sum, multiplier))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('scales that no network has are refused', () => {
    expect(() => multiplierOf(2 ** 20)).toThrow('factor of 1048576');
    expect(() => multiplierOf(Number.NaN)).toThrow('factor of NaN');
  });

  test('known values', () => {
    expect(multiplierOf(0.5)).toMatchObject({ mantissa: 2 ** 30, shift: 0 });
    expect(multiplierOf(1)).toMatchObject({ mantissa: 2 ** 30, shift: 1 });
    expect(multiplierOf(1e-12)).toMatchObject({ mantissa: 0, shift: 0 });
    expect(scaled.exact(-3, multiplierOf(0.5))).toBe(-1);
    expect(scaled.tflm(-3, multiplierOf(0.25))).toBe(-1);
    expect([scaled.exact(-2, multiplierOf(0.25)), scaled.tflm(-2, multiplierOf(0.25))]).toEqual([0, -1]);
    expect(meanMultiplier.tflm(at(1, 0), at(1, 0), 9)).toMatchObject({ mantissa: Math.floor(2 ** 33 / 9), shift: -2 });
  });
});

describe('functions as tables', () => {
  test.each(['relu', 'relu6', 'hard-swish', 'hard-sigmoid', 'sigmoid', 'tanh', 'rescale'] as const)(
    '%s is the nearest byte; in integers, at most one away',
    (name) => {
      const [from, to] = [at(0.05, -10), at(0.03, -100)];
      const exact = byteTable({ name }, from, to, 'exact');
      const micro = byteTable({ name }, from, to, 'tflm');
      for (let byte = -128; byte < 128; byte++) {
        const value = valueOf({ name }, (byte + 10) * from.scales[0]);
        expect(exact[byte & 255]).toBe(toByte(roundAway(value / to.scales[0]) - 100));
        expect(Math.abs(micro[byte & 255] - exact[byte & 255])).toBeLessThanOrEqual(1);
      }
    },
  );

  test("hard swish of TFLite Micro, computed by its reference code's steps", () => {
    const table = byteTable({ name: 'hard-swish' }, at(0.0470588, 0), at(0.0352941, -118), 'tflm');
    // x = -3 → 0; x = 0 → 0; x = 6 → 6, clipped.
    expect([-64, 0, 127].map((byte) => table[byte & 255])).toEqual([-118, -118, 51]);
  });
});

/** The operator in real numbers, for a few of its results. */
const realSums: {
  readonly [K in EdgeOperator['op']]?: (operator: never, inputs: readonly (readonly number[])[]) => number[];
} = {
  add: (_: never, [a, b]) => a.map((x, i) => x + b[i % b.length]),
  mul: (_: never, [a, b]) => a.map((x, i) => x * b[i % b.length]),
};

const realOf = (values: Numbers, { scales, zero }: Quantization): number[] =>
  Array.from(values, (value) => (value - zero) * scales[0]);

describe('operators', () => {
  test.each(['exact', 'tflm'] as const)('%s sums and products are within one step of real ones', (rounding) => {
    for (let seed = 0; seed < 40; seed++) {
      const program = randomProgram(seed);
      const values = runReference(program, randomImage(program, seed), rounding);
      for (const operator of program.operators) {
        const real = realSums[operator.op];
        if (real === undefined) continue;
        const to = quantizationOf(program.tensors[operator.output]);
        const inputs = operator.inputs.map((id) =>
          realOf(values.get(id) ?? new Int8Array(), quantizationOf(program.tensors[id])),
        );
        const [low, high] = byteRange('clip' in operator ? operator.clip : 'none', to);
        const expected = real(operator as never, inputs).map((x) =>
          Math.min(Math.max(roundAway(x / to.scales[0]) + to.zero, low), high),
        );
        const largest = Math.max(
          ...Array.from(values.get(operator.output) ?? [], (byte, i) => Math.abs(byte - expected[i])),
        );
        expect(largest).toBeLessThanOrEqual(1);
      }
    }
  });

  /** Sums of a convolution in real numbers, from weights of [out][row][column][in]. */
  function convolved(program: EdgeProgram, image: Int8Array): number[] {
    const [operator] = program.operators;
    if (operator.op !== 'conv' && operator.op !== 'depthwise') throw new Error(operator.op);
    const [from, kernel, biases] = operator.inputs.map((id) => program.tensors[id]);
    const [height, width, channels] = imageShape(from);
    const to = program.tensors[operator.output];
    const [outHeight, outWidth, outChannels] = imageShape(to);
    const x = realOf(image, quantizationOf(from));
    const [, rows, columns, depth] = kernel.shape;
    const result: number[] = [];
    for (let y = 0; y < outHeight; y++)
      for (let z = 0; z < outWidth; z++)
        for (let o = 0; o < outChannels; o++) {
          const scale = quantizationOf(kernel).scales[o];
          let sum = Number(biases.data?.[o]) * scale * quantizationOf(from).scales[0];
          for (let r = 0; r < rows; r++)
            for (let c = 0; c < columns; c++) {
              const row = y * operator.strides[0] - operator.padding.top + r * operator.dilations[0];
              const column = z * operator.strides[1] - operator.padding.left + c * operator.dilations[1];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              const pixel = (row * width + column) * channels;
              if (operator.op === 'depthwise')
                sum +=
                  x[pixel + Math.floor(o / operator.multiplier)] *
                  scale *
                  Number(kernel.data?.[(r * columns + c) * outChannels + o]);
              else
                for (let i = 0; i < depth; i++)
                  sum +=
                    x[pixel + Math.floor(o / (outChannels / operator.groups)) * depth + i] *
                    scale *
                    Number(kernel.data?.[((o * rows + r) * columns + c) * depth + i]);
            }
          const { scales, zero } = quantizationOf(to);
          const [low, high] = byteRange(operator.clip, quantizationOf(to));
          result.push(Math.min(Math.max(roundAway(sum / scales[0]) + zero, low), high));
        }
    return result;
  }

  test.each([
    ['strides', (p: Programs) => [p.image(7, 8, 3), (x: number) => p.conv(x, 5, { stride: 2, clip: 'relu6' })]],
    ['groups', (p: Programs) => [p.image(5, 5, 4), (x: number) => p.conv(x, 6, { groups: 2, clip: 'relu' })]],
    ['dilations', (p: Programs) => [p.image(9, 9, 2), (x: number) => p.conv(x, 3, { dilation: 2 })]],
    ['depthwise', (p: Programs) => [p.image(6, 5, 4), (x: number) => p.depthwise(x, { stride: 2, kernel: 5 })]],
    ['multipliers', (p: Programs) => [p.image(6, 5, 3), (x: number) => p.depthwise(x, { multiplier: 2 })]],
  ] as const)('convolutions with %s are those in real numbers', (_, build) => {
    const p = new Programs(3);
    const [input, layer] = build(p) as unknown as [number, (x: number) => number];
    const program = p.program(input, layer(input));
    const image = randomImage(program, 1);
    const bytes = runReference(program, image, 'exact').get(program.outputs[0]);
    const real = convolved(program, image);
    expect(Array.from(bytes ?? [])).toEqual(real);
  });

  test('operators that move bytes', () => {
    const p = new Programs(1);
    const input = p.image(1, 2, 4);
    const shuffled = p.shuffle(input, 2);
    const sliced = p.slice(shuffled, 1, 2);
    const joined = p.concat([sliced, input]);
    const padded = p.pad(sliced, 1);
    const pooled = p.pool('average-pool', sliced, 2, 1, 1);
    const program = p.program(input, pooled);
    const values = runReference(program, Int8Array.of(1, 2, 3, 4, -5, -6, -7, -8));
    const list = (id: number): number[] => Array.from(values.get(id) ?? []);
    expect(list(shuffled)).toEqual([1, 3, 2, 4, -5, -7, -6, -8]);
    expect(list(sliced)).toEqual([3, 2, -7, -6]);
    expect(list(joined)).toEqual([3, 2, 1, 2, 3, 4, -7, -6, -5, -6, -7, -8]);
    const zero = quantizationOf(program.tensors[padded]).zero;
    const [o, border] = [zero, Array<number>(8).fill(zero)];
    expect(list(padded)).toEqual([...border, o, o, 3, 2, -7, -6, o, o]);
    // Halves away from zero: (3 - 7) / 2 and (2 - 6) / 2.
    expect(list(pooled).slice(0, 6)).toEqual([3, 2, -2, -2, -7, -6]);
  });

  test('softmax has shares of 256', () => {
    const p = new Programs(1);
    const input = p.image(1, 1, 3);
    const program = p.program(input, p.softmax(p.reshape(input)));
    expect(runReference(program, Int8Array.of(5, 5, 5)).get(program.outputs[0])).toEqual(Int8Array.of(-43, -43, -43));
  });

  test('an operator that moves bytes does not rescale them', () => {
    const p = new Programs(1);
    const input = p.image(2, 2, 1);
    const pooled = p.pool('max-pool', input, 2, 2);
    const { tensors, ...rest } = p.program(input, pooled);
    const other = tensors.map((tensor, id) => (id === pooled ? { ...tensor, quantization: at(1, 0) } : tensor));
    expect(() => runReference({ tensors: other, ...rest }, Int8Array.of(1, 2, 3, 4))).toThrow(
      'layer max-pool: max-pool from scale',
    );
  });

  test('a float tensor is refused by name', () => {
    const p = new Programs(1);
    const input = p.image(2, 2, 1);
    const program = p.program(input, p.mean(input));
    const tensors = program.tensors.map(({ name, shape }) => ({ name, shape, element: 'float32' as const }));
    expect(() =>
      computeOperator({ ...program, tensors }, program.operators[0], [Float32Array.of(1, 2, 3, 4)], 'exact'),
    ).toThrow('tensor t0: float32 numbers without scales');
  });
});
