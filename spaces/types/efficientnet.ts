import { z } from 'zod';
import { choices, commonPlan, presetFor, stagedShape, stagesKey } from '../staged/config.js';
import { flavourKey, styleInFlavour } from '../staged/flavours.js';
import type { Task } from '../space.js';
import type { StagedPlan } from '../staged/layout.js';

type Kind = 'mbconv' | 'fused_mbconv';
type Choices = number | readonly number[];

const stage = (kind: Kind | readonly Kind[], filters: number, stride: 1 | 2, layers: object) =>
  ({ kind, filters, stride, ...layers, act: 'swish' }) as const;
const layers = (depth: Choices, kernel: Choices, expand: Choices, se: Choices = 0) => ({ depth, kernel, expand, se });
const either: readonly Kind[] = ['fused_mbconv', 'mbconv'];

/** @param se squeeze-excite of all stages but the first */
const b0Stages = (se: number) => [
  stage('mbconv', 16, 1, layers(1, 3, 1, [0, 0.25])),
  stage('mbconv', 24, 2, layers([1, 2], [3, 5], [4, 6], [0, se])),
  stage('mbconv', 40, 2, layers([1, 2], [3, 5], [4, 6], [0, se])),
  stage('mbconv', 80, 2, layers([2, 3], [3, 5], [4, 6], [0, se])),
  stage('mbconv', 112, 1, layers([2, 3], [3, 5], [4, 6], [0, se])),
  stage('mbconv', 192, 2, layers([2, 3, 4], [3, 5], [4, 6], [0, se])),
  stage('mbconv', 320, 1, layers(1, [3, 5], [4, 6], [0, se])),
];

/**
 * The `efficientnet` presets. `tiny` is for images of 28 to 48 pixels, `small` for 64 to 128 (`gamma` is 1: no more pixels
 * than the data has); `b0` is the space around EfficientNet-B0 (Tan & Le 2019), `v2-s` around EfficientNetV2-S (Tan & Le
 * 2021). Squeeze-excite is a share of the expanded width: B0's quarter of the input width is 0.25 / 6 of it. Networks of
 * `efficientnet-b0` are at most the published one and have its squeeze-excite: a quarter of the input width, swish, sigmoid.
 */
export const efficientnetPresets = {
  tiny: {
    phi: [-1, -0.5, 0],
    compound: { gamma: 1 },
    share: 'stage',
    stem: { filters: 16, stride: 1, act: 'swish' },
    stages: [
      stage(either, 16, 1, layers(1, 3, 1)),
      stage(either, 24, 2, layers([1, 2], [3, 5], [2, 4])),
      stage('mbconv', 40, 2, layers([1, 2], [3, 5], [2, 4], [0, 0.0625])),
      stage('mbconv', 64, 2, layers([1, 2], [3, 5], [4, 6], [0, 0.0625])),
    ],
    head: { filters: 192, act: 'swish', dropout: 0.1 },
  },
  small: {
    phi: [-1, -0.5, 0],
    compound: { gamma: 1 },
    share: 'stage',
    stem: { filters: 24, stride: 2, act: 'swish' },
    stages: [
      stage(either, 16, 1, layers(1, 3, 1)),
      stage(either, 24, 2, layers([1, 2, 3], 3, [4, 6])),
      stage('mbconv', 40, 2, layers([1, 2, 3], [3, 5], [4, 6], [0, 0.0625])),
      stage('mbconv', 80, 2, layers([1, 2, 3], [3, 5], [4, 6], [0, 0.0625])),
      stage('mbconv', 112, 1, layers([0, 1, 2], [3, 5], [4, 6], [0, 0.0625])),
    ],
    head: { filters: 320, act: 'swish', dropout: 0.2 },
  },
  b0: {
    phi: [0, 0.5, 1],
    share: 'stage',
    stem: { filters: 32, stride: 2, act: 'swish' },
    stages: b0Stages(0.25 / 6),
    head: { filters: 1280, act: 'swish', dropout: 0.2 },
  },
  'efficientnet-b0': {
    phi: [-1, -0.5, 0],
    compound: { gamma: 1 },
    share: 'stage',
    squeeze_of: 'input',
    style: { squeeze: 'swish', gate: 'sigmoid' },
    stem: { filters: 32, stride: 2, act: 'swish' },
    stages: b0Stages(0.25),
    head: { filters: 1280, act: 'swish', dropout: 0.2 },
  },
  'v2-s': {
    phi: [-1, 0],
    share: 'stage',
    stem: { filters: 24, stride: 2, act: 'swish' },
    stages: [
      stage('fused_mbconv', 24, 1, layers([1, 2], 3, 1)),
      stage(either, 48, 2, layers([2, 3, 4], 3, [2, 4])),
      stage(either, 64, 2, layers([2, 3, 4], 3, [2, 4])),
      stage('mbconv', 128, 2, layers([4, 5, 6], [3, 5], [4, 6], [0, 0.0625])),
      stage('mbconv', 160, 1, layers([6, 9], [3, 5], [4, 6], [0, 0.25 / 6])),
      stage('mbconv', 256, 2, layers([9, 12, 15], [3, 5], [4, 6], [0, 0.25 / 6])),
    ],
    head: { filters: 1280, act: 'swish', dropout: 0.2 },
  },
} as const;

/** EfficientNet's own coefficients: a step of phi doubles the MACs, since alpha beta^2 gamma^2 is about 2. */
const paperCoefficients = { alpha: 1.2, beta: 1.1, gamma: 1.15 } as const;

const coefficient = (of: keyof typeof paperCoefficients, scaled: string) =>
  z
    .number()
    .min(1)
    .max(2)
    .optional()
    .describe(`${scaled} for each step of phi; by default the preset's, or ${paperCoefficients[of]}`);

const ownShape = {
  ...stagedShape,
  phi: choices(z.number().min(-4).max(8))
    .optional()
    .describe('compound coefficient: depth x alpha^phi, width x beta^phi, resolution x gamma^phi (a multiple of 4)'),
  compound: z
    .strictObject({
      alpha: coefficient('alpha', 'depth'),
      beta: coefficient('beta', 'width'),
      gamma: coefficient('gamma', 'resolution'),
    })
    .optional()
    .describe('what a step of phi multiplies'),
  stages: stagesKey,
};
const ownSchema = z.strictObject(ownShape);

type PresetName = keyof typeof efficientnetPresets;

/**
 * `space: {type: efficientnet}`: MBConv and fused-MBConv stages with compound scaling (Tan & Le 2019, 2021). The preset
 * gives missing keys; the image size chooses the default preset.
 */
export const efficientnetSchema = z
  .strictObject({
    type: z.literal('efficientnet'),
    preset: z
      .enum(Object.keys(efficientnetPresets) as [PresetName, ...PresetName[]])
      .optional()
      .describe('where keys that are left out come from; by default it is chosen by the size of the images'),
    flavour: flavourKey,
    ...ownShape,
  })
  .describe('MBConv and fused-MBConv stages with compound scaling (Tan & Le 2019, 2021)');
type EfficientnetConfig = z.output<typeof efficientnetSchema>;

const nearestMultipleOf4 = (pixels: number): number => Math.max(4, Math.round(pixels / 4) * 4);

export function efficientnetPlan(config: EfficientnetConfig, task: Task): StagedPlan {
  const name = config.preset ?? presetFor(config, task, 'b0');
  const preset = ownSchema.parse(efficientnetPresets[name]);
  const { alpha, beta, gamma } = { ...paperCoefficients, ...preset.compound, ...config.compound };
  const common = commonPlan(config, preset, task, styleInFlavour(config.flavour, name));
  return {
    ...common,
    name: 'efficientnet',
    scales: [
      ...common.scales,
      {
        name: 'phi',
        choices: config.phi ?? preset.phi ?? [0],
        apply: (scale, phi) => ({
          width: scale.width * beta ** phi,
          depth: scale.depth * alpha ** phi,
          resolution: phi === 0 || gamma === 1 ? scale.resolution : nearestMultipleOf4(scale.resolution * gamma ** phi),
        }),
      },
    ],
    terms: { stage: 'stage', path: 'space.stages' },
  };
}
