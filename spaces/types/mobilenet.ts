import { z } from 'zod';
import { commonPlan, mbconvStageSchema, stagedShape } from '../staged/config.js';
import type { StagedPlan } from '../staged/layout.js';
import type { Task } from '../space.js';

/**
 * The `mobilenet` presets, written as a user would write them. `tiny` is for images of 28 to 48 pixels (Fashion-MNIST,
 * CIFAR), `small` for 64 to 128; the others are the spaces around MobileNetV2 (Sandler et al. 2018) and MobileNetV3
 * (Howard et al. 2019) for 224 pixels, whose published networks are among their members.
 */
export const mobilenetPresets = {
  tiny: {
    width: [0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      { filters: 16, stride: 1, depth: [1, 2], kernel: [3, 5], expand: [1, 2], se: [0, 0.25], act: 'relu' },
      { filters: 24, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [2, 3, 4], se: [0, 0.25], act: 'relu' },
      { filters: 40, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'hard_swish' },
    ],
    head: { filters: 160, act: 'hard_swish', dropout: 0.1 },
  },
  small: {
    width: [0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      { filters: 16, stride: 1, depth: 1, kernel: [3, 5], expand: 1, se: [0, 0.25], act: 'relu' },
      { filters: 24, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'relu' },
      { filters: 40, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'hard_swish' },
      { filters: 80, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'hard_swish' },
    ],
    head: { filters: 320, act: 'hard_swish', dropout: 0.1 },
  },
  mobilenetv2: {
    width: [0.35, 0.5, 0.75, 1],
    share: 'stage',
    stem: { filters: 32, stride: 2, act: 'relu6' },
    stages: [
      { filters: 16, stride: 1, depth: 1, kernel: [3, 5], expand: 1, act: 'relu6' },
      { filters: 24, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
      { filters: 32, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
      { filters: 64, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
      { filters: 96, stride: 1, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
      { filters: 160, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
      { filters: 320, stride: 1, depth: 1, kernel: [3, 5], expand: [3, 4, 6], act: 'relu6' },
    ],
    head: { filters: 1280, act: 'relu6', dropout: 0.2 },
  },
  'mobilenetv3-small': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      { filters: 16, stride: 2, depth: 1, kernel: [3, 5], expand: 1, se: [0, 0.25], act: 'relu' },
      {
        filters: 24,
        stride: 2,
        depth: [1, 2, 3],
        kernel: [3, 5],
        expand: [3, 11 / 3, 4.5],
        se: [0, 0.25],
        act: 'relu',
      },
      { filters: 40, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'hard_swish' },
      { filters: 48, stride: 1, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 6], se: [0, 0.25], act: 'hard_swish' },
      { filters: 96, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 4, 6], se: [0, 0.25], act: 'hard_swish' },
    ],
    head: { filters: 576, hidden: 1024, act: 'hard_swish', dropout: 0.2 },
  },
  'mobilenetv3-large': {
    width: [0.5, 0.75, 1],
    share: 'layer',
    stem: { filters: 16, stride: 2, act: 'hard_swish' },
    stages: [
      { filters: 16, stride: 1, depth: 1, kernel: [3, 5], expand: 1, act: 'relu' },
      { filters: 24, stride: 2, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 4], se: [0, 0.25], act: 'relu' },
      { filters: 40, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 4], se: [0, 0.25], act: 'relu' },
      {
        filters: 80,
        stride: 2,
        depth: [2, 3, 4],
        kernel: [3, 5],
        expand: [2.3, 2.5, 3, 6],
        se: [0, 0.25],
        act: 'hard_swish',
      },
      { filters: 112, stride: 1, depth: [1, 2, 3], kernel: [3, 5], expand: [3, 6], se: [0, 0.25], act: 'hard_swish' },
      { filters: 160, stride: 2, depth: [2, 3, 4], kernel: [3, 5], expand: [3, 6], se: [0, 0.25], act: 'hard_swish' },
    ],
    head: { filters: 960, hidden: 1280, act: 'hard_swish', dropout: 0.2 },
  },
} as const;

const ownShape = {
  ...stagedShape,
  stages: z
    .array(mbconvStageSchema)
    .min(1)
    .optional()
    .describe("stages of inverted residuals from input to output; they replace the preset's"),
};
const ownSchema = z.strictObject(ownShape);

type PresetName = keyof typeof mobilenetPresets;

/**
 * `space: {type: mobilenet}`: inverted residuals (MobileNetV2 and V3). The preset gives missing keys; the image size
 * chooses the default preset.
 */
export const mobilenetSchema = z
  .strictObject({
    type: z.literal('mobilenet'),
    preset: z
      .enum(Object.keys(mobilenetPresets) as [PresetName, ...PresetName[]])
      .optional()
      .describe('where keys that are left out come from; by default it is chosen by the size of the images'),
    ...ownShape,
  })
  .describe('inverted residuals, as in MobileNetV2 and V3');
type MobilenetConfig = z.output<typeof mobilenetSchema>;

/** The preset for images of this height. */
function presetFor(height: number): PresetName {
  if (height <= 48) return 'tiny';
  return height <= 128 ? 'small' : 'mobilenetv3-small';
}

export function mobilenetPlan(config: MobilenetConfig, task: Task): StagedPlan {
  const name = config.preset ?? presetFor((config.resolution ?? [task.input[0]])[0]);
  const preset = ownSchema.parse(mobilenetPresets[name]);
  return {
    ...commonPlan(config, preset, task),
    name: 'mobilenet',
    terms: { stage: 'stage', path: 'space.stages' },
  };
}
