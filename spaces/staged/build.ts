import { BoundedCache } from '../../base/bounded-cache.js';
import { backboneTo } from '../detector.js';
import type { Task } from '../space.js';
import type { Choice, Genotype } from '../genotype.js';
import {
  type Activation,
  activations,
  type BlockKind,
  type ConvSpec,
  type DetectionHead,
  expandedWidth,
  isActive,
  type Head,
  type Network,
  type StageBlock,
  styled,
  answersOf,
} from '../network.js';
import {
  type LayerChoices,
  type Layout,
  makeDivisible,
  pick,
  pickAll,
  type StageScale,
  scaledDepth,
  type ScaleOption,
  type Slot,
  type StagedPlan,
  type StageSlots,
  type WidthRules,
} from './layout.js';

/** A width under the scale's multiplier; at multiplier 1 unchanged, without rounding. */
export const scaledWidth = (filters: number, scale: StageScale, divisor: number): number =>
  scale.width === 1 ? filters : makeDivisible(filters * scale.width, divisor);

/** The expansion whose expanded width is a multiple of the divisor. */
export const exactExpand = (channels: number, expand: number, divisor: number): number =>
  expand === 1 ? 1 : makeDivisible(channels * expand, divisor) / channels;

/** The squeeze-excite ratio to the expanded width `wide` whose hidden width follows the rules. */
export function exactSe(wide: number, channels: number, se: number, { divisor, squeezeOf }: WidthRules): number {
  if (se === 0) return 0;
  const hidden = squeezeOf === 'input' ? Math.max(1, Math.floor(channels * se)) : makeDivisible(wide * se, divisor);
  return hidden / wide;
}

/**
 * The kernel of a block. 0 leaves out the depthwise convolution of an inverted residual; other blocks, and those that need it
 * for their stride, have 3.
 */
export function exactKernel(kernel: number, { kind, stride, before = 0 }: Striding): number {
  return kernel === 0 && (kind !== 'mbconv' || (stride === 2 && before === 0)) ? 3 : kernel;
}

interface Striding extends Pick<BlockChoices, 'kind' | 'stride'> {
  readonly before?: number;
}

/** The width that squeeze-excite weighs. */
export const squeezedWidth = ({ kind, filters, expand = 1 }: Squeezed, channels: number): number =>
  kind === 'fused_mbconv' && expand === 1 ? filters : expandedWidth(channels, expand);

interface Squeezed extends Pick<BlockChoices, 'kind' | 'filters'> {
  readonly expand?: number;
}

/** The largest number of groups that divides both widths and whose groups are at least this wide; 0 means one group. */
export function exactGroups(groupWidth: number, channels: number, wide: number): number {
  let groups = groupWidth === 0 ? 1 : Math.max(1, Math.floor(wide / groupWidth));
  while (channels % groups > 0 || wide % groups > 0) groups--;
  return groups;
}

/** The choices of one block before scaling. */
export interface BlockChoices extends LayerChoices {
  readonly kind: BlockKind;
  readonly filters: number;
  readonly stride: 1 | 2;
  readonly act: Activation;
}

/** What the kinds of blocks take from the choices. */
interface Parts {
  readonly conv: ConvSpec;
  readonly expand: number;
  readonly se: number;
  readonly before: number;
  readonly groups: number;
}

const blockTypes: { readonly [K in BlockKind]: (parts: Parts) => StageBlock } = {
  mbconv: ({ conv, expand, se, before }) => ({
    ...{ kind: 'mbconv', ...conv, expand, se },
    ...(before === 0 ? {} : { before }),
  }),
  fused_mbconv: ({ conv, expand, se, groups }) => ({
    ...{ kind: 'fused_mbconv', ...conv, expand, se },
    ...(groups === 1 ? {} : { groups }),
  }),
  separable: ({ conv, se }) => ({ kind: 'separable', ...conv, se }),
  basic: ({ conv }) => ({ kind: 'basic', ...conv }),
  bottleneck: ({ conv }) => ({ kind: 'bottleneck', ...conv, hidden: Math.max(1, conv.filters >> 2) }),
  conv: ({ conv }) => ({ kind: 'conv', ...conv }),
  pooled: ({ conv }) => ({ kind: 'pooled', ...conv }),
};

/** The block for `channels` input channels; equal blocks are equal values, for any choices. */
export function blockOf(choices: BlockChoices, channels: number, scale: StageScale, rules: WidthRules): StageBlock {
  const { kind, stride, act, before, group_width } = choices;
  const filters = scaledWidth(choices.filters, scale, rules.divisor);
  const kernel = exactKernel(choices.kernel, choices);
  const expand = kind === 'separable' ? 1 : exactExpand(channels, choices.expand, rules.divisor);
  const wide = squeezedWidth({ kind, filters, expand }, channels);
  const se = exactSe(wide, channels, choices.se, rules);
  const groups = exactGroups(group_width, channels, wide);
  const conv = { filters, kernel, stride, act };
  const block = blockTypes[kind]({ conv, expand, se, before, groups });
  return isActive(block) ? block : { ...block, act: activations[0] };
}

export function inputOf({ task: { input } }: Pick<StagedPlan, 'task'>, { resolution }: StageScale): Network['input'] {
  const [height, width, channels] = input;
  return [resolution, Math.max(1, Math.round((width * resolution) / height)), channels];
}

export function stemOf(choices: ConvSpec, scale: StageScale, divisor: number): ConvSpec {
  return { ...choices, filters: scaledWidth(choices.filters, scale, divisor) };
}

interface HeadValues {
  readonly filters: number;
  readonly hidden: number;
  readonly act: Activation;
  readonly dropout: number;
}

export function headOf({ filters, hidden, act, dropout }: HeadValues, scale: StageScale, divisor: number): Head {
  return {
    filters: filters === 0 ? 0 : scaledWidth(filters, scale, divisor),
    // Nothing uses the activation then; a constant keeps equal networks equal values.
    act: filters === 0 && hidden === 0 ? activations[0] : act,
    ...(hidden === 0 ? {} : { hidden: scaledWidth(hidden, scale, divisor) }),
    dropout,
  };
}

/** A detection head. `deepest` below the stride means the stride. */
export const detectionHead = (
  { stride, deepest, width, depth, se = 0 }: Pick<DetectionHead, 'stride' | 'deepest' | 'width' | 'depth' | 'se'>,
  { maps = 'detection' }: Pick<Task, 'maps'>,
): DetectionHead => ({
  kind: 'detection',
  stride,
  deepest: deepest > stride ? deepest : stride,
  width,
  depth,
  act: activations[0],
  ...(se > 0 && { se }),
  ...answersOf(maps),
});

/** Blocks of a stage that are cached before its cache is emptied. */
const maxStages = 1000;

interface BuiltStage {
  /** The decisions that a number of blocks depends on. */
  readonly decisions: Map<number, readonly number[]>;
  readonly blocks: BoundedCache<readonly StageBlock[]>;
}

const built = new WeakMap<StageSlots, BuiltStage>();

/** The decisions of a stage and of its first layers. */
function decisionsOf({ kind, filters, stride, act, layers }: StageSlots, count: number): readonly number[] {
  const slots: readonly Slot<Choice>[] = [
    ...[kind, filters, stride, act],
    ...layers.slice(0, count).flatMap((layer) => Object.values(layer)),
  ];
  return [...new Set(slots.flatMap(({ decision }) => decision ?? []))];
}

/** The blocks of a stage. Equal ones are the same objects, so that networks share their parts. */
function stageBlocks(...at: Parameters<typeof newBlocks>): readonly StageBlock[] {
  const [stage, genotype, channels, scale] = at;
  let known = built.get(stage);
  if (known === undefined) built.set(stage, (known = { decisions: new Map(), blocks: new BoundedCache(maxStages) }));
  const count = scaledDepth(pick(stage.depth, genotype), scale);
  let decisions = known.decisions.get(count);
  if (decisions === undefined) known.decisions.set(count, (decisions = decisionsOf(stage, count)));
  let key = `${count} ${channels} ${scale.width}`;
  for (const decision of decisions) key += ` ${genotype[decision]}`;
  return known.blocks.of(key, () => newBlocks(...at));
}

function newBlocks(
  stage: StageSlots,
  genotype: Genotype,
  channels: number,
  scale: StageScale,
  rules: WidthRules,
): readonly StageBlock[] {
  const { layers } = stage;
  const kind = pick(stage.kind, genotype);
  const filters = pick(stage.filters, genotype);
  const stride = pick(stage.stride, genotype);
  const act = pick(stage.act, genotype);
  const depth = scaledDepth(pick(stage.depth, genotype), scale);
  const blocks: StageBlock[] = [];
  for (let i = 0; i < depth; i++) {
    const choices = { kind, filters, stride: i === 0 ? stride : 1, act, ...pickAll(layers[i], genotype) } as const;
    blocks.push(blockOf(choices, blocks.at(-1)?.filters ?? channels, scale, rules));
  }
  return blocks;
}

/** The places of the blocks of stages with these depths: `stage1.1`, `stage1.2`, `stage2.1`, ... */
export const stagePlaces = (depths: readonly number[]): string[] =>
  depths.flatMap((depth, stage) => Array.from({ length: depth }, (_, i) => `stage${stage + 1}.${i + 1}`));

/** The scale that a genotype chooses. */
export function scaleOption({ scales, scaleOptions }: Layout, genotype: Genotype): ScaleOption {
  // Options are in lexicographic order: the indices are the digits of the position.
  const position = scales.reduce(
    (sum, { choices, decision }) => sum * choices.length + (decision === null ? 0 : genotype[decision]),
    0,
  );
  return scaleOptions[position];
}

/** A network made of stage blocks. */
export interface StagedNetwork extends Network {
  readonly blocks: readonly StageBlock[];
}

/** The network of a genotype. */
export function buildNetwork(layout: Layout, genotype: Genotype): StagedNetwork {
  const { plan, stem, head, detect } = layout;
  const { scale } = scaleOption(layout, genotype);
  const first = stemOf(pickAll(stem, genotype), scale, plan.divisor);
  const blocks: StageBlock[] = [];
  for (const stage of layout.stages) {
    blocks.push(...stageBlocks(stage, genotype, blocks.at(-1)?.filters ?? first.filters, scale, plan));
  }
  const detection = detect === null ? null : detectionHead(pickAll(detect, genotype), plan.task);
  return {
    kind: 'network',
    input: inputOf(plan, scale),
    classes: plan.task.classes,
    stem: first,
    blocks: detection === null ? blocks : backboneTo(blocks, first.stride, detection.deepest),
    head: detection ?? headOf(pickAll(head, genotype), scale, plan.divisor),
    ...styled(plan.style),
  };
}

/** One place for each block of the network. */
export function blockPlaces(layout: Layout, genotype: Genotype): string[] {
  const { scale } = scaleOption(layout, genotype);
  const places = stagePlaces(layout.stages.map(({ depth }) => scaledDepth(pick(depth, genotype), scale)));
  return layout.detect === null ? places : places.slice(0, buildNetwork(layout, genotype).blocks.length);
}
