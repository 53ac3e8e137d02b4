import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  recogniseNetwork,
  describeDataset,
  readInitial,
  readTensorFile,
  type DatasetInfo,
} from '../../../trainers/index.js';
import { checkInitial, convertInitial, type InitialPlan } from '../../../runner/initial-weights/index.js';
import {
  createSpace,
  extremes,
  memberOf,
  sharedName,
  spaceSchema,
  type Network,
  type Space,
} from '../../../spaces/index.js';
import { apply, slicedTo, weightsFrom, weightSpecs, type Model, type Weights } from '../../../spaces/models/index.js';
import { normal } from '../../compiler/foreign/support.js';
import { temporaryFolder } from '../../support/temporary.js';
import { sharedWorkbench } from '../../trainers/support/tiny-training.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../trainers/recognise/fixtures/${name}.onnx`, import.meta.url));

/** MobileNetV3-Small at the width of the fixture, for images of 10 pixels. */
const preset = {
  type: 'mobilenet',
  preset: 'mobilenetv3-small',
  flavour: 'torchvision',
  width: 0.2,
  stem: { stride: 1 },
  // Fewer decisions, for a quicker test.
  share: 'stage',
} as const;

const bench = sharedWorkbench();
let data: DatasetInfo;
beforeAll(() => {
  data = describeDataset(bench.dataset);
});

const spaceOf = (config: object): Promise<Space> =>
  createSpace(spaceSchema.parse(config), {
    input: [data.height, data.width, data.channels],
    classes: data.classes.length,
  });

/** The places of the file's blocks in the preset's largest network, which has one block more in each later stage. */
const placesOfFile = [
  ...['stage1.1', 'stage2.1', 'stage2.2', 'stage3.1', 'stage3.2', 'stage3.3', 'stage4.1', 'stage4.2'],
  ...['stage5.1', 'stage5.2', 'stage5.3'],
];

const recognised = (name: string): Model =>
  recogniseNetwork(readFileSync(fixture(name)), { where: 'it', size: [48, 48] }).model;

const checked = async (name: string, config: object): Promise<InitialPlan> =>
  checkInitial(fixture(name), await spaceOf(config), data);

async function converted(name: string, config: object): Promise<{ readonly file: string; readonly tensors: Weights }> {
  const file = join(temporaryFolder(), 'initial.bin');
  const space = await spaceOf(config);
  await convertInitial(fixture(name), { space, dataset: bench.dataset, file, meta: {} });
  return { file, tensors: readTensorFile(file).tensors };
}

describe('weights of another program', () => {
  it('are taken by stage, and what is taken, cut, grown or left is listed', async () => {
    const { note, stages, sizes } = await checked('mobilenetv3-small', preset);
    expect(sizes).toEqual([]);
    expect(note.split(': the ')[1]).toMatchInlineSnapshot(
      `"largest network of the space takes 53 of 78 layers (50 % of the weights) from it, the smallest 23 of 24 layers (94 % of the weights). The head starts at random"`,
    );
    expect(stages.map(({ stage, ...uses }) => `${stage}: ${Object.values(uses).join(' ')}`)).toMatchInlineSnapshot(`
      [
        "stem: 1 0 0 0 0",
        "stage1: 3 0 1 0 0",
        "stage2: 0 0 6 9 0",
        "stage3: 10 0 5 5 0",
        "stage4: 0 0 10 5 0",
        "stage5: 0 0 15 5 0",
        "head: 0 2 0 0 0",
        "logits: 0 0 0 1 0",
      ]
    `);
    const fewer = {
      ...preset,
      stages: [{ filters: 96, stride: 2, kernel: 5, expand: 6, se: 0.25, act: 'hard_swish' }],
    };
    const left = (await checked('mobilenetv3-small', fewer)).stages;
    // Ten of eleven blocks have no place.
    expect(left.at(-1)).toMatchObject({ stage: 'no stage', whole: 0, random: 0, unused: 45 });
  });

  it('are all those of the file, at the places of its blocks', async () => {
    const model = recognised('mobilenetv3-small');
    const { tensors } = await converted('mobilenetv3-small', preset);
    const network = { ...model.network, input: [10, 10, 1] as const, classes: data.classes.length };
    for (const { name, shape, trainable } of weightSpecs(network)) {
      if (!trainable || /^(logits|stem)\//.test(name)) continue;
      const shared = tensors.get(sharedName({ network, places: placesOfFile }, name)) ?? {
        shape: [],
        data: new Float32Array(),
      };
      expect(slicedTo(shared, shape), name).toEqual(model.weights.get(name));
    }
    // A network for colours sees grey images as equal colours.
    const [grey, colours] = [tensors, model.weights].map((weights) => weights.get('stem/kernel')?.data ?? []);
    const summed = [0, 8, 16].reduce((sum, at) => sum + colours[at + 3], 0);
    expect(grey[3]).toBeCloseTo(summed, 6);
  });

  it('grow without changing what is computed', async () => {
    const { tensors, file } = await converted('mobilenetv3-small', { ...preset, width: 0.4 });
    const space = await spaceOf({ ...preset, width: 0.4 });
    // Wider, deeper, with larger kernels and more squeeze-excite than the file.
    const { network, places } = memberOf(space, extremes(space).largest.genotype);
    const own = recognised('mobilenetv3-small');
    const pairs = [
      [network, readInitial(network, 1, { file, places, partial: true })],
      [
        { ...own.network, input: network.input, stem: { ...own.network.stem, stride: 1 } } as Network,
        new Map([
          ...own.weights,
          [
            'stem/kernel',
            slicedTo(tensors.get('stem/kernel') ?? { shape: [], data: new Float32Array() }, [3, 3, 1, 8]),
          ],
        ]),
      ],
    ] as const;
    const count = 16;
    const [grown, original] = pairs.map(([each, weights]) => {
      const images = tf.tensor(normal(count * 100, 'images'), [count, ...network.input]);
      const mode = { training: true, features: ['head_hidden_act'] };
      const still = { ...each, head: { ...each.head, dropout: 0 } };
      return [
        ...tf.slice(apply(still, weightsFrom(weights), images, mode).features[0], [0, 0], [count, 208]).dataSync(),
      ];
    });
    const norm = (values: readonly number[]): number => Math.hypot(...values);
    expect(norm(grown.map((value, i) => value - original[i])) / norm(original)).toBeLessThan(0.01);
  });

  it('get statistics back where norms were folded', async () => {
    expect((await checked('mobilenetv3-small-folded', preset)).sizes).toEqual([[10, 10]]);
    const { tensors } = await converted('mobilenetv3-small-folded', preset);
    const variance = tensors.get('stage2.1_depthwise_bn/moving_variance');
    expect(new Set(variance?.data).size).toBeGreaterThan(4);
  });

  it('of another style are taken with a note that says how to have its style', async () => {
    const { note } = await checked('mobilenetv3-small', { ...preset, flavour: 'keras' });
    expect(note).toMatch(
      /\. The file computes differently \(padding symmetric, not same\): set space\.flavour or space\.style$/,
    );
    expect((await checked('efficientnet-b0', preset)).note).toMatch(
      /epsilon 0\.00001, not 0\.001; squeeze swish, not relu; gate/,
    );
  });

  it('are refused where nothing fits, or the file is no network of a space', async () => {
    await expect(checked('resnet', preset)).rejects.toThrow(
      /^nothing in .*resnet\.onnx fits the networks of the space mobilenet: it has blocks of kind basic/,
    );
    const squeezenet = fileURLToPath(new URL('../../compiler/foreign/fixtures/squeezenet.onnx', import.meta.url));
    await expect(checkInitial(squeezenet, await spaceOf(preset), data)).rejects.toThrow(
      /squeezenet\.onnx is no network of a space: Conv '.*' has pads/,
    );
  });
});
