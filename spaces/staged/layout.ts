import { products, type Choice, type Decision, type Genotype } from '../genotype.js';
import type { Scale, StagedPlan, StageChoices, StemChoices, HeadChoices } from './plan.js';

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

export const layerFields = ['kernel', 'expand', 'se'] as const;
type LayerField = (typeof layerFields)[number];

export interface StageSlots extends Slots<Omit<StageChoices, LayerField>> {
  /** By layer; with `share: stage` every entry is the same object. */
  readonly layers: readonly Slots<Pick<StageChoices, LayerField>>[];
}

/** One combination of the choices that scale the whole network. */
export interface ScaleOption {
  /** Index of each choice, in the order of the plan's scales. */
  readonly indices: readonly number[];
  readonly scale: Scale;
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
export const scaledDepth = (depth: number, scale: Scale): number => Math.ceil(depth * scale.depth - 1e-9);

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
