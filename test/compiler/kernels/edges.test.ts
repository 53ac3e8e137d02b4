import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { kernels } from '../../../compiler/kernels/index.js';
import { ofOne } from '../cases/case.js';
import { edgeGroups } from '../cases/edges.js';
import { edgeNames, kernelsOf, sweep } from '../support/edges.js';
import { unexplained } from '../support/explained.js';
import { slopesOf, weightedSum } from '../support/gradients.js';
import { relativeError, runCompiled } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

// One edge of each case, of a third of the images'; edges.slow.test.ts has all.
const compared = new Set<string>();
for (const [title, { cases, blocked, sums }] of Object.entries(edgeGroups))
  describe(`${title} at the edge of float32`, () => {
    const some = title.startsWith('convolutions')
      ? cases.filter(({ name }, i) => i % 3 === 0 || name.startsWith('resize'))
      : cases;
    for (const each of some)
      it(each.name, async () => {
        const edges = [new Random(1, 'edges', each.name).pick(edgeNames)];
        const names = await kernelsOf(async () => {
          expect(unexplained(await sweep(each, { edges, blocked: blocked.slice(-1), seeds: [1], sums }))).toEqual([]);
        });
        for (const name of names) compared.add(name);
      });
  });

describe('the table of kernels', () => {
  /** Kernels that have no operands. */
  const without = ['NasUniform', 'Range', 'Fill'];
  it('has no kernel that no case takes to the edge', () => {
    const onCpu = tf.getKernelsForBackend('cpu').map(({ kernelName }) => kernelName);
    const supported = Object.entries(kernels).flatMap(([name, entry]) => (typeof entry === 'function' ? [name] : []));
    const reached = supported.filter((name) => onCpu.includes(name) || name.startsWith('Nas'));
    expect(reached.filter((name) => !compared.has(name) && !without.includes(name))).toEqual([]);
  });
  afterAll(() => compared.clear());
});

const numbers = [0, 1, -1, 0.5, 2, -3, 6, 1 / 6, 1e-3, 40, 1000, 1e6, 1e8, 16777217, 1e20, 1e30, 1e-8, 1e-20, 1e-30];
const number = fc.constantFrom(...numbers);
const bound = fc.constantFrom(-Infinity, -3e38, -1e9, -100, -1, 0, 1e-20, 0.5, 1, 6, 200, 1e6, 1e9, 3e38, Infinity);
type Step = readonly [text: string, f: (x: tf.Tensor) => tf.Tensor];
const by = (name: string, f: (x: tf.Tensor, c: number) => tf.Tensor): fc.Arbitrary<Step> =>
  number.map((c): Step => [`${name} ${c}`, (x) => f(x, c)]);
/** Operations whose recipes other rules look through. */
const step: fc.Arbitrary<Step> = fc.oneof(
  by('+', (x, c) => tf.add(x, c)),
  by('-', (x, c) => tf.sub(x, c)),
  by('*', (x, c) => tf.mul(x, c)),
  by('/', (x, c) => tf.div(x, c === 0 ? 1 : c)),
  by('from', (x, c) => tf.sub(c, x)),
  fc.tuple(bound, bound).map(([a, b]): Step => {
    const [low, high] = [Math.min(a, b), Math.max(a, b)];
    return [`clip ${low} ${high}`, (x) => (low < high ? tf.clipByValue(x, low, high) : x)];
  }),
  fc.constantFrom<Step>(['relu', tf.relu], ['relu6', tf.relu6]),
);

describe('chains of constants, clips and ReLUs', () => {
  it('have the values and gradients of TF.js at ordinary numbers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), fc.boolean(), async (steps, isGate) => {
        const chain = (x: tf.Tensor): tf.Tensor => steps.reduce((value, [, f]) => f(value), x);
        const title = `${isGate ? 'gate of ' : ''}${steps.map(([text]) => text).join(', ')}`;
        const each = ofOne(title, [64], (x) => (isGate ? tf.mul(x, chain(x)) : chain(x)));
        expect(unexplained(await sweep(each, { edges: ['ordinary'], blocked: [false], seeds: [1] }))).toEqual([]);
      }),
      { numRuns: Number(process.env['NAS_EDGE_CHAINS'] ?? 12) },
    );
  });
});

describe('windows that are rounded up beyond the image', () => {
  const pooled = (x: tf.Tensor): tf.Tensor => tf.maxPool(x as tf.Tensor4D, 3, 2, 0, 'ceil');
  const averaged = (x: tf.Tensor): tf.Tensor => tf.avgPool(x as tf.Tensor4D, 3, 2, 0, 'ceil');
  const convolved = (x: tf.Tensor): tf.Tensor =>
    tf.conv2d(x as tf.Tensor4D, tf.reshape<tf.Rank.R4>(tf.range(0, 144), [3, 3, 4, 4]), 2, 0, 'NHWC', 1, 'ceil');
  // TF.js's gradients do not know of the rounding.
  it.each(Object.entries({ pooled, averaged, convolved }))(
    'have the slope of TF.js’s forward pass: %s',
    async (_, f) => {
      const x = new Sampler('rounded up').normal([1, 6, 5, 4]);
      const { outputs } = await runCompiled(({ x: value }) => tf.grad((v) => weightedSum(f(v)))(value), { x }, {});
      expect(relativeError(outputs['output'], { ...x, data: slopesOf(f, x, 2 ** -7) })).toBeLessThan(1e-3);
    },
  );

  it('are refused where one lies outside of the image', async () => {
    const outside = ({ x }: { x: tf.Tensor }): tf.Tensor => tf.maxPool(x as tf.Tensor4D, 1, 3, 0, 'ceil');
    const x = new Sampler('outside').normal([1, 5, 5, 1]);
    await expect(runCompiled(outside as never, { x }, {})).rejects.toThrow(
      /a window of 1 begins at 6, outside of an image of 5/,
    );
  });
});
