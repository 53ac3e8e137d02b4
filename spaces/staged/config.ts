import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { Choice } from '../genotype.js';
import { activations, blockKinds, deepestStrides, detectionStrides, gates, paddings, type Style } from '../network.js';
import type { DetectChoices, HeadChoices, StageChoices, StagedPlan, StemChoices } from './layout.js';
import type { Task } from '../space.js';

type Issue = z.core.$ZodIssue;

/** The error of the branch that the user meant: of the list if a list was given, otherwise of a single value. */
function meantError({ errors, input }: { errors: readonly (readonly Issue[])[]; input: unknown }): string {
  const [issue] = errors[Array.isArray(input) ? 1 : 0];
  const where = issue.path.map((key) => `[${String(key)}]`).join('');
  return `${where}${where === '' ? '' : ': '}${issue.message}${Array.isArray(input) ? '' : ', or a list of such choices'}`;
}

const order = (a: Choice, b: Choice): number => (typeof a === 'number' && typeof b === 'number' ? a - b : 0);

/**
 * One value or a list of choices, parsed to a list: numbers ascending, other values in the order written. An empty list
 * and a choice listed twice are errors.
 */
export function choices<T extends z.ZodType<Choice>>(item: T) {
  return z
    .union([item, z.array(item).min(1, 'needs at least one choice')], {
      error: ({ errors, input }) => meantError({ errors, input }),
    })
    .superRefine((value, context) => {
      const list: readonly unknown[] = Array.isArray(value) ? value : [];
      const twice = list.find((choice, i) => list.indexOf(choice) !== i);
      if (twice !== undefined) context.addIssue(`lists the choice ${JSON.stringify(twice)} twice`);
    })
    .transform((value): readonly z.output<T>[] => (Array.isArray(value) ? [...value].sort(order) : [value]));
}

const optional = <T extends z.ZodType<Choice>>(item: T, description: string) =>
  choices(item).optional().describe(description);

const width = z.number().int().min(1).max(8192);
const widthOrNone = z.number().int().min(0).max(8192);
const sides = [1, 3, 5, 7, 9, 11] as const;
const kernel = z.literal(sides);
const kernelOrNone = z.literal([0, ...sides]);
const stride = z.literal([1, 2]);
const act = z.enum(activations);

/** `stem:`; the first convolution. */
export const stemSchema = z.strictObject({
  filters: optional(width, "output channels at width 1; by default the preset's, or 16"),
  kernel: optional(kernel, "side of the kernel; by default the preset's, or 3"),
  stride: optional(stride, "2 halves height and width; by default the preset's, or 1"),
  act: optional(act, "activation; by default the preset's, or relu"),
});

/** `head:`; what follows the blocks. */
export const headSchema = z.strictObject({
  filters: optional(widthOrNone, "width of the 1x1 convolution; 0: none; by default the preset's, or 0"),
  act: optional(act, "activation of the convolution and the hidden layer; by default the preset's, or relu"),
  hidden: optional(
    widthOrNone,
    "width of a dense layer before the logits, as in MobileNetV3; 0: none; by default the preset's, or 0",
  ),
  dropout: optional(z.number().min(0).lt(1), "dropout rate before the last layer; by default the preset's, or 0"),
});

/** `detect:`; the head of detectors and segmenters, in place of `head`. */
export const detectSchema = z.strictObject({
  stride: optional(
    z.literal(detectionStrides),
    "pixels for each cell of the output: small ones find small objects and cost more; by default the preset's, or 4, for centroids and masks 8",
  ),
  deepest: optional(
    z.literal(deepestStrides),
    "stride of the deepest map that is read; those between it and `stride` are added, and the backbone ends with it; at or below `stride`: one map alone; by default the preset's, or 16",
  ),
  width: optional(width, "channels of the head; by default the preset's, or 32"),
  depth: optional(
    z.number().int().min(0).max(8),
    "number of 3x3 convolutions before the outputs; by default the preset's, or 1",
  ),
  se: optional(
    z.number().min(0).max(1),
    "squeeze-excite on the deepest map, by which the whole image weighs its channels (LR-ASPP): hidden width as a share of `width`; by default the preset's, or 0: none",
  ),
});

/** The names of the kinds of block in YAML. */
const kind = z.enum([...blockKinds, 'uib']).transform((name) => (name === 'uib' ? 'mbconv' : name));

/** A stage of blocks. */
export const stageSchema = z.strictObject({
  kind: optional(
    kind,
    "mbconv: inverted residual (MobileNetV2; the default), which is MobileNetV4's uib with `before` and kernel 0; fused_mbconv: its fused form (EfficientNetV2); separable: depthwise and 1x1 convolution (MobileNetV1, PP-LCNet); basic: ResNet's block; bottleneck: ResNet-50's block, with a quarter of its channels inside; conv: one convolution; pooled: one convolution, of which a max pool makes the stride",
  ),
  filters: choices(width).describe('output channels at width 1'),
  stride: optional(stride, "stride of the stage's first block; by default 1"),
  depth: optional(
    z.number().int().min(0).max(32),
    'number of blocks; 0 leaves the stage out, its stride too; by default 1',
  ),
  kernel: optional(
    kernelOrNone,
    'side of the kernels; 0: an inverted residual has no depthwise convolution between its 1x1 convolutions; other blocks, and one of stride 2 without `before`, have a kernel of 3; by default 3',
  ),
  before: optional(
    kernelOrNone,
    "side of the depthwise kernel before an inverted residual's expansion (MobileNetV4); by default 0: none",
  ),
  expand: optional(z.number().min(1).max(16), "expanded width as a multiple of the block's input width; by default 1"),
  se: optional(
    z.number().min(0).max(1),
    'squeeze-excite: hidden width as a share of the width that `squeeze_of` names; by default 0: none',
  ),
  group_width: optional(
    z.number().int().min(0).max(1024),
    "channels in each group of a fused block's first convolution, nearly: groups divide both its widths (MobileNet-EdgeTPU-V2); by default 0: no groups",
  ),
  act: optional(act, 'activation; by default relu'),
});

/** `stages:` of the spaces with presets. */
export const stagesKey = z
  .array(stageSchema)
  .min(1)
  .optional()
  .describe("stages of blocks from input to output; they replace the preset's");

/** `style:`; details that libraries define differently. */
const styleSchema = z.strictObject({
  epsilon: z.number().gt(0).max(0.1).optional().describe('what batch norm adds to the variance; by default 0.001'),
  momentum: z
    .number()
    .min(0)
    .lt(1)
    .optional()
    .describe("share of batch norm's moving statistics that a training step keeps; by default 0.9"),
  padding: z
    .enum(paddings)
    .optional()
    .describe(
      "where convolutions of stride 2 pad: same, as TensorFlow (the default), or symmetric, as PyTorch; the difference is one pixel's shift",
    ),
  squeeze: act.optional().describe("activation of squeeze-excite's reduced layer; by default relu"),
  gate: z.enum(gates).optional().describe("squeeze-excite's last activation; by default hard_sigmoid"),
});

/** Keys that all staged spaces share. */
export const stagedShape = {
  resolution: optional(
    z.number().int().min(8).max(1024),
    "image heights to choose from, in pixels; by default the data's own; the width keeps the aspect ratio",
  ),
  width: optional(
    z.number().gt(0).max(8),
    "multipliers of all widths; the results are rounded to multiples of `divisor`; by default the preset's, or 1",
  ),
  stem: stemSchema.optional().describe('the first convolution'),
  head: headSchema.optional().describe('what follows the blocks'),
  detect: detectSchema
    .optional()
    .describe('what follows the blocks of detectors and segmenters, for data with boxes or masks'),
  share: z
    .enum(['stage', 'layer'])
    .optional()
    .describe(
      "whether kernel, expansion and squeeze-excite are decided once a stage or for each of its layers; by default the preset's, or layer",
    ),
  style: styleSchema.optional().describe('details of the layers that libraries define differently'),
  squeeze_of: z
    .enum(['expanded', 'input'])
    .optional()
    .describe(
      "what `se` is a share of: the expanded width, rounded to multiples of `divisor`, or the block's input width, rounded down, as in EfficientNet; by default the preset's, or expanded",
    ),
  divisor: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'widths that a multiplier or an expansion gives are rounded to multiples of this (never by more than 10 % down); by default 8, in a space of blocks 1',
    ),
};

export type StemConfig = z.output<typeof stemSchema>;
export type HeadConfig = z.output<typeof headSchema>;
export type DetectConfig = z.output<typeof detectSchema>;
export type StageConfig = z.output<typeof stageSchema>;

/** Values of fields that neither the user nor the preset gives. */
const stemDefaults: StemChoices = { filters: [16], kernel: [3], stride: [1], act: ['relu'] };
const headDefaults: HeadChoices = { filters: [0], hidden: [0], act: ['relu'], dropout: [0] };
const detectDefaults: DetectChoices = { stride: [4], deepest: [16], width: [32], depth: [1], se: [0] };
/** Middles need fewer cells than boxes. */
const coarse: Pick<DetectChoices, 'stride'> = { stride: [8] };
const stageDefaults: Omit<StageChoices, 'filters'> = {
  depth: [1],
  kind: ['mbconv'],
  stride: [1],
  act: ['relu'],
  kernel: [3],
  expand: [1],
  se: [0],
  before: [0],
  group_width: [0],
};

/** The name of a preset for images of this height; `large`: for images above 128 pixels. */
export function presetFor<L extends string>(
  { resolution }: Pick<CommonConfig, 'resolution'>,
  task: Task,
  large: L,
): 'tiny' | 'small' | L {
  const [height] = resolution ?? task.input;
  if (height <= 48) return 'tiny';
  return height <= 128 ? 'small' : large;
}

interface CommonConfig {
  readonly resolution?: readonly number[] | undefined;
  readonly width?: readonly number[] | undefined;
  readonly stem?: StemConfig | undefined;
  readonly head?: HeadConfig | undefined;
  readonly detect?: DetectConfig | undefined;
  readonly stages?: readonly StageConfig[] | undefined;
  readonly share?: StagedPlan['share'] | undefined;
  readonly style?: z.output<typeof styleSchema> | undefined;
  readonly squeeze_of?: StagedPlan['squeezeOf'] | undefined;
  readonly divisor?: number | undefined;
}

/**
 * The common part of staged plans: the user's keys, then the preset's, then the defaults.
 * @param flavour the style of a library
 * @throws NasError `invalid-input` for the head of another task
 */
export function commonPlan(
  config: CommonConfig,
  preset: CommonConfig,
  task: Task,
  flavour: Partial<Style> = {},
): Omit<StagedPlan, 'name' | 'terms'> {
  const detects = task.maps !== undefined;
  refuseOtherHead(config, task);
  return {
    task,
    base: { resolution: task.input[0], width: 1, depth: 1 },
    scales: [
      {
        name: 'resolution',
        choices: config.resolution ?? [task.input[0]],
        apply: (scale, r) => ({ ...scale, resolution: r }),
      },
      {
        name: 'width',
        choices: config.width ?? preset.width ?? [1],
        apply: (scale, w) => ({ ...scale, width: scale.width * w }),
      },
    ],
    divisor: config.divisor ?? preset.divisor ?? 8,
    squeezeOf: config.squeeze_of ?? preset.squeeze_of ?? 'expanded',
    style: { ...preset.style, ...flavour, ...config.style },
    share: config.share ?? preset.share ?? 'stage',
    stem: { ...stemDefaults, ...preset.stem, ...config.stem },
    stages: (config.stages ?? preset.stages ?? []).map((stage) => ({ ...stageDefaults, ...stage })),
    head: detects ? headDefaults : { ...headDefaults, ...preset.head, ...config.head },
    detect: detects
      ? { ...detectDefaults, ...(task.maps !== 'detection' && coarse), ...preset.detect, ...config.detect }
      : null,
  };
}

/** @throws NasError `invalid-input` for the key of a head that the networks of the data do not have */
function refuseOtherHead({ head, detect }: CommonConfig, { maps }: Task): void {
  if (maps !== undefined && head !== undefined)
    throw invalidInput(
      `space.head is for classifiers, and the data has ${maps === 'segmentation' ? 'masks' : 'boxes'}`,
      { hint: 'Set space.detect instead.' },
    );
  if (maps === undefined && detect !== undefined)
    throw invalidInput('space.detect is for detectors and segmenters, and the data has neither boxes nor masks', {
      hint: 'Set space.head instead, or data: {type: boxes, ...} or {type: masks, ...}.',
    });
}
