import { z } from 'zod';
import { choices } from '../choices.js';
import { efficientnetPresets } from '../presets/efficientnet.js';
import type { Task } from '../space.js';
import type { StagedPlan } from '../staged/plan.js';
import { stagedShape, stageSchema } from '../staged/schema.js';
import { commonPlan } from './staged.js';

/** EfficientNet's own coefficients: twice the MACs for each step of phi, since alpha beta^2 gamma^2 is about 2. */
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
  stages: z
    .array(stageSchema)
    .min(1)
    .optional()
    .describe("stages of MBConv and fused-MBConv blocks from input to output; they replace the preset's"),
};
const ownSchema = z.strictObject(ownShape);

type PresetName = keyof typeof efficientnetPresets;

/**
 * `space: {type: efficientnet}`: MBConv and fused-MBConv stages with compound scaling (Tan & Le 2019, 2021). Keys that
 * are left out come from the preset; without `preset` it is chosen by the size of the images.
 */
export const efficientnetSchema = z
  .strictObject({
    type: z.literal('efficientnet'),
    preset: z
      .enum(Object.keys(efficientnetPresets) as [PresetName, ...PresetName[]])
      .optional()
      .describe('where keys that are left out come from; by default it is chosen by the size of the images'),
    ...ownShape,
  })
  .describe('MBConv and fused-MBConv stages with compound scaling (Tan & Le 2019, 2021)');
export type EfficientnetConfig = z.output<typeof efficientnetSchema>;

/** The preset made for images of this height. */
function presetFor(height: number): PresetName {
  if (height <= 48) return 'tiny';
  return height <= 128 ? 'small' : 'b0';
}

const nearestMultipleOf4 = (pixels: number): number => Math.max(4, Math.round(pixels / 4) * 4);

export function efficientnetPlan(config: EfficientnetConfig, task: Task): StagedPlan {
  const name = config.preset ?? presetFor((config.resolution ?? [task.input[0]])[0]);
  const preset = ownSchema.parse(efficientnetPresets[name]);
  const { alpha, beta, gamma } = { ...paperCoefficients, ...preset.compound, ...config.compound };
  const common = commonPlan(config, preset, task);
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
