import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import {
  createSpace,
  presetNetworks,
  sampleGenotype,
  spaceSchema,
  type Network,
  type Task,
} from '../../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../../spaces/models/index.js';
import { describeWithLiteRt } from '../../../support/litert.js';
import { agreementOf, int8Of, noiseImages, operatorDifferences, type Differences } from '../support/agreement.js';

/** Random members of each space; NAS_TEST_REPEAT sets more. */
const members = Number(process.env['NAS_TEST_REPEAT'] ?? 1);
/** Pixels of a side; NAS_TEST_SIDE=224 takes the reference networks as published, with fewer images. */
const side = Number(process.env['NAS_TEST_SIDE'] ?? 32);
const task: Task = { input: [side, side, 3], classes: 10 };
const [floatImages, int8Images] = side > 32 ? [10, 1] : [5, 1];

const spaces: readonly (Readonly<Record<string, unknown>> & { readonly type: string })[] = [
  ...['tiny', 'small', 'mobilenetv3-small', 'mobilenetv4-conv-small'].map((preset) => ({ type: 'mobilenet', preset })),
  ...['tiny', 'b0'].map((preset) => ({ type: 'efficientnet', preset })),
  {
    type: 'blocks',
    stem: { filters: [6, 8], kernel: [3, 5], stride: [1, 2], act: 'relu' },
    blocks: [
      {
        kind: ['mbconv', 'basic', 'fused_mbconv'],
        filters: 10,
        kernel: [3, 5],
        expand: [1, 2.5],
        se: 0.3,
        depth: [0, 1],
      },
      { kind: 'fused_mbconv', filters: [10, 12], stride: 2, expand: 2, act: ['relu6', 'swish'] },
    ],
    head: { filters: [0, 20], act: ['relu', 'hard_swish'], hidden: 0, dropout: [0, 0.2] },
  },
  { type: 'nas-bench-201', filters: 8, cells: 1 },
];

async function membersOf(config: { readonly type: string }): Promise<readonly Network[]> {
  const space = await createSpace(spaceSchema.parse(config), task);
  const random = new Random(11, JSON.stringify(config));
  return Array.from({ length: members }, () => space.build(sampleGenotype(space, random)));
}

const found = new Map<string, Differences>();
let largest = 0;

/** Float within 1e-5 of the largest output and of the same classes; int8 near its ONNX file, operator by operator. */
async function expectAgreement(network: Network, images: number): Promise<void> {
  const model = toOnnx({ network, weights: initialWeights(network, 1) });
  const noise = noiseImages([images, ...network.input]);
  const float = await agreementOf(model, noise);
  largest = Math.max(largest, float.difference);
  expect(float.difference).toBeLessThan(1e-5);
  expect(float.same).toBe(images);
  const some = noiseImages([int8Images, ...network.input]);
  const int8 = await int8Of(model, some);
  await operatorDifferences(lowerOnnx(int8, 'int8.onnx'), some, found);
}

beforeEach(() => tf.disposeVariables());

describeWithLiteRt('.tflite files of whole networks in LiteRT', () => {
  it.each(Object.keys(presetNetworks) as (keyof typeof presetNetworks)[])(
    'of the reference network %s',
    { timeout: 600_000 },
    async (name) => {
      await expectAgreement(presetNetworks[name](task), floatImages);
    },
  );

  it.each(spaces)('of random members of $type $preset', { timeout: 600_000 }, async (config) => {
    for (const network of await membersOf(config)) await expectAgreement(network, floatImages);
  });

  afterAll(() => {
    console.log(`largest difference of floats, of the largest output: ${largest.toExponential(1)}`);
    console.table([...found].map(([operator, differences]) => ({ operator, ...differences })));
    for (const [operator, { differ, of, most, unexplained }] of found) {
      expect({ operator, isNear: most <= 1 }).toEqual({ operator, isNear: true });
      // LiteRT scales sums by a float32 factor: of a million results, about one rounds otherwise, and nothing else differs.
      if (['conv', 'depthwise', 'add', 'mul'].includes(operator))
        expect([operator, unexplained]).toEqual([operator, 0]);
      else expect(differ).toBeLessThanOrEqual(['hard-swish', 'mean'].includes(operator) ? 0.005 * of : 1 + 1e-5 * of);
    }
  });
});
