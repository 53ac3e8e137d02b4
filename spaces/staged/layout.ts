import type { Activation, BlockKind } from '../network.js';
import type { Task } from '../space.js';
import { products, type Choice, type Decision, type Genotype } from '../genotype.js';

/** How one network's resolution, widths and depths follow from the plan's. */
export interface StageScale {
  /** Height of the image in pixels. */
  readonly resolution: number;
  /** Multiplier of widths. */
  readonly width: number;
  /** Multiplier of depths; results are rounded up (Tan & Le 2019). */
  readonly depth: number;
}

/** A choice that scales the whole network. */
interface ScaleChoice {
  readonly name: string;
  readonly choices: readonly number[];
  readonly apply: (scale: StageScale, choice: number) => StageScale;
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
  readonly base: StageScale;
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

/** Where a field's value comes from: its choices and, when there is more than one, the decision that chooses. */
export interface Slot<T extends Choice> {
  readonly choices: readonly T[];
  readonly decision: number | null;
}

/** The value that a genotype gives a slot. */
export const pick = <T extends Choice>({ choices, decision }: Slot<T>, genotype: Genotype): T =>
  choices[decision === null ? 0 : genotype[decision]];

/** A slot for each list of choices. */
type Slots<T> = { readonly [K in keyof T]: T[K] extends readonly (infer C extends Choice)[] ? Slot<C> : never };

type LayerField = 'kernel' | 'expand' | 'se';

export interface StageSlots extends Slots<Omit<StageChoices, LayerField>> {
  /** By layer; with `share: stage` every entry is the same object. */
  readonly layers: readonly Slots<Pick<StageChoices, LayerField>>[];
}

/** One combination of the choices that scale the whole network. */
export interface ScaleOption {
  /** Index of each choice, in the order of the plan's scales. */
  readonly indices: readonly number[];
  readonly scale: StageScale;
}

/** A plan's decisions and the slots that read them. */
export interface Layout {
  readonly plan: StagedPlan;
  readonly decisions: readonly Decision[];
  readonly scales: readonly Slot<number>[];
  /** All combinations in lexicographic order. */
  readonly scaleOptions: readonly ScaleOption[];
  readonly stem: Slots<StemChoices>;
  readonly stages: readonly StageSlots[];
  readonly head: Slots<HeadChoices>;
}

/** Number of blocks of a stage under a scale. */
export const scaledDepth = (depth: number, scale: StageScale): number => Math.ceil(depth * scale.depth - 1e-9);

/** Numbers the decisions of a plan: scales, stem, stages from input to output, head. */
export function layOut(plan: StagedPlan): Layout {
  const decisions: Decision[] = [];
  const slot = <T extends Choice>(name: string, choices: readonly T[]): Slot<T> => ({
    choices,
    decision: choices.length > 1 ? decisions.push({ name, choices }) - 1 : null,
  });

  const scales = plan.scales.map(({ name, choices }) => slot(name, choices));
  const scaleOptions = [...products(scales.map(({ choices }) => choices.length))].map((indices) => ({
    indices,
    scale: plan.scales.reduce((scale, { choices, apply }, i) => apply(scale, choices[indices[i]]), plan.base),
  }));
  const stem = {
    filters: slot('stem.filters', plan.stem.filters),
    kernel: slot('stem.kernel', plan.stem.kernel),
    stride: slot('stem.stride', plan.stem.stride),
    act: slot('stem.act', plan.stem.act),
  };
  const stages = plan.stages.map((stage, i): StageSlots => {
    const name = `${plan.terms.stage}${i + 1}`;
    const own = {
      depth: slot(`${name}.depth`, stage.depth),
      kind: slot(`${name}.kind`, stage.kind),
      filters: slot(`${name}.filters`, stage.filters),
      stride: slot(`${name}.stride`, stage.stride),
      act: slot(`${name}.act`, stage.act),
    };
    const layer = (prefix: string) => ({
      kernel: slot(`${prefix}.kernel`, stage.kernel),
      expand: slot(`${prefix}.expand`, stage.expand),
      se: slot(`${prefix}.se`, stage.se),
    });
    const most = Math.max(...scaleOptions.map(({ scale }) => scaledDepth(Math.max(...stage.depth), scale)));
    if (plan.share === 'layer') {
      return {
        ...own,
        layers: Array.from({ length: most }, (_, j) => layer(most === 1 ? name : `${name}.layer${j + 1}`)),
      };
    }
    const shared = layer(name);
    return { ...own, layers: Array.from({ length: most }, () => shared) };
  });
  const head = {
    filters: slot('head.filters', plan.head.filters),
    hidden: slot('head.hidden', plan.head.hidden),
    act: slot('head.act', plan.head.act),
    dropout: slot('head.dropout', plan.head.dropout),
  };
  return { plan, decisions, scales, scaleOptions, stem, stages, head };
}
