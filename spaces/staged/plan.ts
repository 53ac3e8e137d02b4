import type { Activation, BlockKind } from '../network.js';
import type { Task } from '../space.js';

/** How one network's resolution, widths and depths follow from the plan's. */
export interface Scale {
  /** Height of the image in pixels. */
  readonly resolution: number;
  /** Multiplier of widths. */
  readonly width: number;
  /** Multiplier of depths; results are rounded up (Tan & Le 2019). */
  readonly depth: number;
}

/** A choice that scales the whole network. */
export interface ScaleChoice {
  readonly name: string;
  readonly choices: readonly number[];
  readonly apply: (scale: Scale, choice: number) => Scale;
}

export interface StemChoices {
  readonly filters: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly (1 | 2)[];
  readonly act: readonly Activation[];
}

export interface HeadChoices {
  /** 0: no convolution. */
  readonly filters: readonly number[];
  /** 0: no dense layer before the logits. */
  readonly hidden: readonly number[];
  readonly act: readonly Activation[];
  readonly dropout: readonly number[];
}

export interface StageChoices {
  readonly depth: readonly number[];
  readonly kind: readonly BlockKind[];
  readonly filters: readonly number[];
  readonly stride: readonly (1 | 2)[];
  readonly act: readonly Activation[];
  readonly kernel: readonly number[];
  readonly expand: readonly number[];
  readonly se: readonly number[];
}

/**
 * A space as a chain of stages: the form that all YAML spaces are brought into. Every field lists its choices; fields
 * with more than one become decisions.
 */
export interface StagedPlan {
  readonly name: string;
  readonly task: Task;
  readonly base: Scale;
  readonly scales: readonly ScaleChoice[];
  readonly divisor: number;
  readonly share: 'stage' | 'layer';
  readonly stem: StemChoices;
  readonly stages: readonly StageChoices[];
  readonly head: HeadChoices;
  /** What a stage is called in decisions (`stage`) and where stages are in the YAML (`space.stages`). */
  readonly terms: { readonly stage: string; readonly path: string };
}

/**
 * Rounds a width to a multiple of `divisor`, never down by more than 10 % (the MobileNet papers' `_make_divisible`).
 */
export function makeDivisible(width: number, divisor: number): number {
  const rounded = Math.max(divisor, Math.floor((width + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * width ? rounded + divisor : rounded;
}
