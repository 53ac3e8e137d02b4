import { z } from 'zod';
import { choices } from '../choices.js';
import { activations, blockKinds } from '../network.js';

const width = z.number().int().min(1).max(8192);
const widthOrNone = z.number().int().min(0).max(8192);
const kernel = z.literal([1, 3, 5, 7, 9, 11]);
const stride = z.literal([1, 2]);
const act = z.enum(activations);

/** `stem:`; the first convolution. */
export const stemSchema = z.strictObject({
  filters: choices(width).optional(),
  kernel: choices(kernel).optional(),
  stride: choices(stride).optional(),
  act: choices(act).optional(),
});

/** `head:`; what follows the blocks. */
export const headSchema = z.strictObject({
  /** Width of the 1x1 convolution; 0: none. */
  filters: choices(widthOrNone).optional(),
  act: choices(act).optional(),
  /** Width of a dense layer before the logits (MobileNetV3); 0: none. */
  hidden: choices(widthOrNone).optional(),
  dropout: choices(z.number().min(0).lt(1)).optional(),
});

const stageShape = {
  /** Output channels at width 1. */
  filters: choices(width),
  /** Stride of the stage's first block. */
  stride: choices(stride).optional(),
  /** Number of blocks; 0 leaves the stage out, its stride too. */
  depth: choices(z.number().int().min(0).max(32)).optional(),
  kernel: choices(kernel).optional(),
  /** Expanded width as a multiple of the block's input width. */
  expand: choices(z.number().min(1).max(16)).optional(),
  /** Squeeze-excite: hidden width as a share of the expanded width; 0: none. */
  se: choices(z.number().min(0).max(1)).optional(),
  act: choices(act).optional(),
};

/** A stage of inverted residuals. */
export const mbconvStageSchema = z.strictObject(stageShape);

/** A stage whose kind of block is a choice too. */
export const stageSchema = z.strictObject({ kind: choices(z.enum(blockKinds)).optional(), ...stageShape });

/** Keys that all spaces made of stages have. */
export const stagedShape = {
  /** Image heights to choose from, in pixels; default: the data's own. The width follows the data's aspect ratio. */
  resolution: choices(z.number().int().min(8).max(1024)).optional(),
  /** Multipliers of all widths; the results are rounded to multiples of `divisor`. */
  width: choices(z.number().gt(0).max(8)).optional(),
  stem: stemSchema.optional(),
  head: headSchema.optional(),
  /** Whether kernel, expansion and squeeze-excite are decided once a stage or for each of its layers. */
  share: z.enum(['stage', 'layer']).optional(),
  /** Widths that a multiplier or an expansion gives are rounded to multiples of this (never by more than 10 % down). */
  divisor: z.number().int().min(1).max(64).optional(),
};

export type StemConfig = z.output<typeof stemSchema>;
export type HeadConfig = z.output<typeof headSchema>;
export type StageConfig = z.output<typeof stageSchema>;
