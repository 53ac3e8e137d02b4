import { z } from 'zod';
import { mobilenetPresets } from '../presets/mobilenet.js';
import { mbconvStageSchema, stagedShape } from '../staged/schema.js';
import type { StagedPlan } from '../staged/plan.js';
import type { Task } from '../space.js';
import { commonPlan } from './staged.js';

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
 * `space: {type: mobilenet}`: inverted residuals (MobileNetV2 and V3). Keys that are left out come from the preset;
 * without `preset` it is chosen by the size of the images.
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
export type MobilenetConfig = z.output<typeof mobilenetSchema>;

/** The preset made for images of this height. */
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
