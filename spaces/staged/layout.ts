import type { Activation, BlockKind, DetectionHead, Style } from '../network.js';
import type { Task } from '../space.js';
import { products, type Choice, type Decision, type Genotype } from '../genotype.js';

/** Resolution, width multiplier and depth multiplier of one network. */
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

// Types, not interfaces: a type may stand for a record of lists.
export type StemChoices = {
  readonly filters: readonly number[];
  readonly kernel: readonly number[];
  readonly stride: readonly (1 | 2)[];
  readonly act: readonly Activation[];
};

export type HeadChoices = {
  /** 0: no convolution. */
  readonly filters: readonly number[];
  /** 0: no dense layer before the logits. */
  readonly hidden: readonly number[];
  readonly act: readonly Activation[];
  readonly dropout: readonly number[];
};

/** Of detectors and segmenters. */
export type DetectChoices = {
  readonly [K in 'stride' | 'deepest' | 'width' | 'depth' | 'se']: readonly Required<DetectionHead>[K][];
};

export interface StageChoices {
  readonly depth: readonly number[];
  readonly kind: readonly BlockKind[];
  readonly filters: readonly number[];
  readonly stride: readonly (1 | 2)[];
  readonly act: readonly Activation[];
  /** 0: none between the 1x1 convolutions of an inverted residual. */
  readonly kernel: readonly number[];
  readonly expand: readonly number[];
  readonly se: readonly number[];
  /** 0: none. */
  readonly before: readonly number[];
  /** 0: no groups. */
  readonly group_width: readonly number[];
}

/** How widths that follow from others are rounded. */
export interface WidthRules {
  /** Widths are multiples of this. */
  readonly divisor: number;
  /**
   * The width that squeeze-excite's ratio is a share of: the expanded one, rounded by the divisor, or the block's input,
   * rounded down (EfficientNet).
   */
  readonly squeezeOf: 'expanded' | 'input';
}

/** A space as a chain of stages, the common form of all YAML spaces. Fields with several choices become decisions. */
export interface StagedPlan extends WidthRules {
  readonly name: string;
  readonly task: Task;
  readonly base: StageScale;
  readonly scales: readonly ScaleChoice[];
  readonly style: Partial<Style>;
  readonly share: 'stage' | 'layer';
  readonly stem: StemChoices;
  readonly stages: readonly StageChoices[];
  readonly head: HeadChoices;
  /** Of detectors, which have no `head`; null: networks classify. */
  readonly detect: DetectChoices | null;
  /** The name of a stage in decisions (`stage`) and the path of the stages in the YAML (`space.stages`). */
  readonly terms: { readonly stage: string; readonly path: string };
}

/** Rounds a width to a multiple of `divisor`, at most 10 % down (`_make_divisible` of the MobileNet papers). */
export function makeDivisible(width: number, divisor: number): number {
  const rounded = Math.max(divisor, Math.floor((width + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * width ? rounded + divisor : rounded;
}

/** The choices of a field and, when there are several, the decision that chooses. */
export interface Slot<T extends Choice> {
  readonly choices: readonly T[];
  readonly decision: number | null;
}

/** The value that a genotype gives a slot. */
export const pick = <T extends Choice>({ choices, decision }: Slot<T>, genotype: Genotype): T =>
  choices[decision === null ? 0 : genotype[decision]];

/** A slot for each list of choices. */
type Slots<T> = { readonly [K in keyof T]: T[K] extends readonly (infer C extends Choice)[] ? Slot<C> : never };

/** The values that a genotype gives several slots. */
export function pickAll<S extends Readonly<Record<keyof S, Slot<Choice>>>>(slots: S, genotype: Genotype) {
  const picked: Partial<Record<keyof S, Choice>> = {};
  for (const field in slots) picked[field] = pick<Choice>(slots[field], genotype);
  return picked as { readonly [K in keyof S]: S[K]['choices'][number] };
}

const layerFields = ['kernel', 'expand', 'se', 'before', 'group_width'] as const;
type LayerField = (typeof layerFields)[number];
export type LayerChoices = { readonly [F in LayerField]: StageChoices[F][number] };

export interface StageSlots extends Slots<Omit<StageChoices, LayerField>> {
  /** By layer; with `share: stage` all entries are the same object. */
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
  readonly detect: Slots<DetectChoices> | null;
}

/** Number of blocks of a stage under a scale. */
export const scaledDepth = (depth: number, scale: StageScale): number => Math.ceil(depth * scale.depth - 1e-9);

/** Numbers the decisions of a plan: scales, stem, stages from input to output, head or detection head. */
export function layOut(plan: StagedPlan): Layout {
  const decisions: Decision[] = [];
  const slot = <T extends Choice>(name: string, choices: readonly T[]): Slot<T> => ({
    choices,
    decision: choices.length > 1 ? decisions.push({ name, choices }) - 1 : null,
  });
  const slots = <T extends object, K extends keyof T & string>(prefix: string, choices: T, ...fields: readonly K[]) =>
    Object.fromEntries(
      fields.map((field) => [field, slot(`${prefix}.${field}`, choices[field] as readonly Choice[])]),
    ) as unknown as Slots<Pick<T, K>>;
  const scales = plan.scales.map(({ name, choices }) => slot(name, choices));
  const scaleOptions = [...products(scales.map(({ choices }) => choices.length))].map((indices) => ({
    indices,
    scale: plan.scales.reduce((scale, { choices, apply }, i) => apply(scale, choices[indices[i]]), plan.base),
  }));
  const stem = slots('stem', plan.stem, 'filters', 'kernel', 'stride', 'act');
  const stages = plan.stages.map((stage, i): StageSlots => {
    const name = `${plan.terms.stage}${i + 1}`;
    const own = slots(name, stage, 'depth', 'kind', 'filters', 'stride', 'act');
    const layer = (prefix: string) => slots(prefix, stage, ...layerFields);
    const most = Math.max(...scaleOptions.map(({ scale }) => scaledDepth(Math.max(...stage.depth), scale)));
    const nameOf = (j: number): string => (most === 1 ? name : `${name}.layer${j + 1}`);
    const shared = plan.share === 'stage' ? layer(name) : null;
    return { ...own, layers: Array.from({ length: most }, (_, j) => shared ?? layer(nameOf(j))) };
  });
  const head = slots('head', plan.head, 'filters', 'hidden', 'act', 'dropout');
  const detect =
    plan.detect === null ? null : slots('detect', plan.detect, 'stride', 'deepest', 'width', 'depth', 'se');
  return { plan, decisions, scales, scaleOptions, stem, stages, head, detect };
}
