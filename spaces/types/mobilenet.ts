import type { MapTask } from '../../base/task.js';
import { z } from 'zod';
import { commonPlan, presetFor, stagedShape, stagesKey } from '../staged/config.js';
import { flavourKey, styleInFlavour } from '../staged/flavours.js';
import type { StagedPlan } from '../staged/layout.js';
import type { Activation } from '../network.js';
import type { Task } from '../space.js';

type Choices = number | readonly number[];

const stage = (filters: number, stride: 1 | 2, depth: Choices, expand: Choices, act: Activation, squeezed = false) =>
  ({ filters, stride, depth, kernel: [3, 5], expand, se: squeezed ? [0, 0.25] : 0, act }) as const;

const separable = (filters: number, stride: 1 | 2, depth: Choices) =>
  ({ kind: 'separable', filters, stride, depth, kernel: [3, 5], act: 'relu' }) as const;

const plain = (filters: number, stride: 1 | 2, kernel: 1 | 3) =>
  ({ kind: 'conv', filters, stride, kernel, act: 'relu' }) as const;

const universal = (filters: number, depth: Choices, expand: Choices) =>
  ({ kind: 'uib', filters, stride: 2, depth, kernel: [0, 3, 5], before: [0, 3, 5], expand, act: 'relu' }) as const;

const fused = (filters: number, depth: Choices) =>
  ({ kind: 'fused_mbconv', filters, stride: 2, depth, expand: [4, 8], group_width: [0, 64], act: 'relu' }) as const;

/** The backbone of networks that answer with maps: full convolutions where maps are large train faster than depthwise ones. */
const mapBackbone = {
  width: [0.5, 0.75, 1, 1.5],
  share: 'stage',
  stem: { filters: 16, stride: 2, act: 'relu' },
  stages: [
    { kind: 'fused_mbconv', filters: 24, stride: 2, depth: [1, 2, 3], act: 'relu' },
    { kind: 'fused_mbconv', filters: 32, stride: 2, expand: 3, act: 'relu' },
    { filters: 32, depth: [1, 2, 3], expand: [2, 3, 4], act: 'relu' },
    { filters: 64, stride: 2, depth: [1, 2, 3], expand: [2, 3, 4], act: 'relu' },
  ],
} as const;

/**
 * The `mobilenet` presets, written as a user would write them. `tiny` is for images of 28 to 48 pixels (Fashion-MNIST, CIFAR), `small`
 * for 64 to 128. `detector` is for images with boxes, `centroids` is its small form with coarser cells, and `segmenter` is for images
 * with masks. The others are the spaces around MobileNetV1 (Howard et al. 2017), V2 (Sandler et al. 2018), V3 (Howard et al. 2019), V4
 * (Qin et al. 2024) and MobileNet-EdgeTPU-V2 (size S of TensorFlow's model garden) for 224 pixels, whose published networks are among
 * their members.
 */
export const mobilenetPresets = {
  tiny: {
    width: [0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      stage(16, 1, [1, 2], [1, 2], 'relu', true),
      stage(24, 2, [1, 2, 3], [2, 3, 4], 'relu', true),
      stage(40, 2, [1, 2, 3], [3, 4, 6], 'hard_swish', true),
    ],
    head: { filters: 160, act: 'hard_swish', dropout: 0.1 },
  },
  small: {
    width: [0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      stage(16, 1, 1, 1, 'relu', true),
      stage(24, 2, [1, 2, 3], [3, 4, 6], 'relu', true),
      stage(40, 2, [1, 2, 3], [3, 4, 6], 'hard_swish', true),
      stage(80, 2, [1, 2, 3], [3, 4, 6], 'hard_swish', true),
    ],
    head: { filters: 320, act: 'hard_swish', dropout: 0.1 },
  },
  detector: {
    ...mapBackbone,
    detect: { stride: [4, 8], deepest: [8, 16], width: [16, 32, 48], depth: [0, 1, 2] },
  },
  centroids: {
    ...mapBackbone,
    width: [0.5, 0.75, 1],
    stages: [{ ...mapBackbone.stages[0], depth: [1, 2] }, ...mapBackbone.stages.slice(1)],
    detect: { stride: 8, deepest: [8, 16], width: [16, 32], depth: [0, 1] },
  },
  segmenter: {
    ...mapBackbone,
    detect: { stride: [4, 8], deepest: 16, width: [16, 32, 48], depth: [0, 1, 2], se: [0, 0.25] },
  },
  mobilenetv1: {
    width: [0.25, 0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 32, stride: 2, act: 'relu' },
    stages: [
      separable(64, 1, 1),
      separable(128, 2, [1, 2]),
      separable(256, 2, [1, 2]),
      separable(512, 2, [3, 4, 5, 6]),
      separable(1024, 2, [1, 2]),
    ],
    head: { dropout: 0.001 },
  },
  mobilenetv2: {
    width: [0.35, 0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 32, stride: 2, act: 'relu6' },
    stages: [
      stage(16, 1, 1, 1, 'relu6'),
      stage(24, 2, [1, 2, 3], [3, 4, 6], 'relu6'),
      stage(32, 2, [2, 3, 4], [3, 4, 6], 'relu6'),
      stage(64, 2, [2, 3, 4], [3, 4, 6], 'relu6'),
      stage(96, 1, [1, 2, 3], [3, 4, 6], 'relu6'),
      stage(160, 2, [1, 2, 3], [3, 4, 6], 'relu6'),
      stage(320, 1, 1, [3, 4, 6], 'relu6'),
    ],
    head: { filters: 1280, act: 'relu6', dropout: 0.2 },
  },
  'mobilenetv3-small': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      stage(16, 2, 1, 1, 'relu', true),
      stage(24, 2, [1, 2, 3], [3, 11 / 3, 4.5], 'relu', true),
      stage(40, 2, [2, 3, 4], [3, 4, 6], 'hard_swish', true),
      stage(48, 1, [1, 2, 3], [3, 6], 'hard_swish', true),
      stage(96, 2, [2, 3, 4], [3, 4, 6], 'hard_swish', true),
    ],
    head: { filters: 576, hidden: 1024, act: 'hard_swish', dropout: 0.2 },
  },
  'mobilenetv3-large': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      stage(16, 1, 1, 1, 'relu'),
      stage(24, 2, [1, 2, 3], [3, 4], 'relu', true),
      stage(40, 2, [2, 3, 4], [3, 4], 'relu', true),
      stage(80, 2, [2, 3, 4], [2.3, 2.5, 3, 6], 'hard_swish', true),
      stage(112, 1, [1, 2, 3], [3, 6], 'hard_swish', true),
      stage(160, 2, [2, 3, 4], [3, 6], 'hard_swish', true),
    ],
    head: { filters: 960, hidden: 1280, act: 'hard_swish', dropout: 0.2 },
  },
  'mobilenetv4-conv-small': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 32, stride: 2, act: 'relu' },
    stages: [
      plain(32, 2, 3),
      plain(32, 1, 1),
      plain(96, 2, 3),
      plain(64, 1, 1),
      universal(96, [4, 5, 6], [2, 3, 4]),
      universal(128, [4, 5, 6], [3, 4, 6]),
    ],
    head: { filters: 960, hidden: 1280, act: 'relu', dropout: 0.2 },
  },
  'mobilenetv4-conv-medium': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 32, stride: 2, act: 'relu' },
    stages: [
      { kind: 'fused_mbconv', filters: 48, stride: 2, expand: 4, act: 'relu' },
      universal(80, [1, 2], [2, 4]),
      universal(160, [6, 7, 8], [2, 4, 6]),
      universal(256, [8, 9, 10, 11], [2, 4, 6]),
    ],
    head: { filters: 960, hidden: 1280, act: 'relu', dropout: 0.2 },
  },
  'mobilenet-edgetpu-v2': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 64, kernel: 5, stride: 2, act: 'relu' },
    stages: [
      { filters: 24, kernel: 0, act: 'relu' },
      fused(48, [1, 2]),
      fused(64, [2, 3, 4]),
      fused(128, 1),
      stage(128, 1, [1, 2, 3], [4, 8], 'relu'),
      stage(160, 1, [2, 3, 4], [4, 8], 'relu'),
      stage(192, 2, [2, 3, 4], [4, 8], 'relu'),
      stage(256, 1, 1, [4, 8], 'relu'),
    ],
    head: { filters: 1280, act: 'relu', dropout: 0.2 },
  },
} as const;

const ownShape = { ...stagedShape, stages: stagesKey };
const ownSchema = z.strictObject(ownShape);

type PresetName = keyof typeof mobilenetPresets;

/**
 * `space: {type: mobilenet}`: stages of inverted residuals (MobileNetV2, V3 and V4) or other blocks. The preset gives missing keys; the image size
 * chooses the default preset.
 */
export const mobilenetSchema = z
  .strictObject({
    type: z.literal('mobilenet'),
    preset: z
      .enum(Object.keys(mobilenetPresets) as [PresetName, ...PresetName[]])
      .optional()
      .describe(
        'where keys that are left out come from; by default it is chosen by the size of the images, or detector for boxes, centroids, or segmenter for masks',
      ),
    flavour: flavourKey,
    ...ownShape,
  })
  .describe('inverted residuals, as in MobileNetV2, V3 and V4, and other blocks');
type MobilenetConfig = z.output<typeof mobilenetSchema>;

const presetOf = {
  detection: 'detector',
  centroids: 'centroids',
  segmentation: 'segmenter',
} as const satisfies Readonly<Record<MapTask, PresetName>>;

export function mobilenetPlan(config: MobilenetConfig, task: Task): StagedPlan {
  const own = task.maps === undefined ? null : presetOf[task.maps];
  const name = config.preset ?? own ?? presetFor(config, task, 'mobilenetv3-small');
  const preset = ownSchema.parse(mobilenetPresets[name]);
  return {
    ...commonPlan(config, preset, task, styleInFlavour(config.flavour, name)),
    name: 'mobilenet',
    terms: { stage: 'stage', path: 'space.stages' },
  };
}
