import type { Choice, Genotype } from '../genotype.js';
import { canonicalJson } from '../../base/hash.js';
import {
  blockKinds,
  detectionOf,
  isActive,
  strideOf,
  type DetectionHead,
  type Head,
  type Network,
  type StageBlock,
} from '../network.js';
import {
  type BlockChoices,
  buildNetwork,
  exactExpand,
  exactGroups,
  exactKernel,
  exactSe,
  inputOf,
  scaledWidth,
  squeezedWidth,
  type StagedNetwork,
} from './build.js';
import {
  type Layout,
  type StageScale,
  scaledDepth,
  type ScaleOption,
  type Slot,
  type StagedPlan,
  type StageSlots,
  type WidthRules,
} from './layout.js';

/** A block of the network with its number of input channels. */
interface BlockWithInput {
  readonly block: StageBlock;
  readonly channels: number;
}

/** Decisions and their indices in turn: those found so far. Parsing is what proposals spend time in, so that it allocates little. */
type Pairs = number[];

/** Adds the smallest matching choice of a slot; false when no choice fits. */
function add<T extends Choice>({ choices, decision }: Slot<T>, fits: (choice: T) => boolean, found: Pairs): boolean {
  for (let index = 0; index < choices.length; index++) {
    if (!fits(choices[index])) continue;
    if (decision !== null) found.push(decision, index);
    return true;
  }
  return false;
}

/** Whether a block has a choice. */
type Fits<T> = (block: BlockWithInput, choice: T, rules: WidthRules, scale: StageScale) => boolean;

const fitsBlock = {
  stride: ({ block }, stride) => block.stride === stride,
  filters: ({ block }, filters, { divisor }, scale) => block.filters === scaledWidth(filters, scale, divisor),
  kind: ({ block }, kind) => block.kind === kind,
  act: ({ block }, act) => block.act === act || !isActive(block),
  kernel: ({ block }, kernel) => block.kernel === exactKernel(kernel, block),
  expand: ({ block, channels }, expand, { divisor }) =>
    !('expand' in block) || block.expand === exactExpand(channels, expand, divisor),
  se: ({ block, channels }, se, rules) =>
    !('se' in block) || block.se === exactSe(squeezedWidth(block, channels), channels, se, rules),
  before: ({ block }, before) => block.kind !== 'mbconv' || (block.before ?? 0) === before,
  group_width: ({ block, channels }, width) =>
    block.kind !== 'fused_mbconv' ||
    (block.groups ?? 1) === exactGroups(width, channels, squeezedWidth(block, channels)),
} satisfies { [K in keyof BlockChoices]: Fits<BlockChoices[K]> };

/** Adds the smallest choice of a slot that fits the blocks from `start` to `end`, without it; false when none does. */
function addFor<T extends Choice>(
  { choices, decision }: Slot<T>,
  fits: Fits<T>,
  { blocks, rules, scale, found }: Reading,
  start: number,
  end: number,
): boolean {
  for (let index = 0; index < choices.length; index++) {
    let at = start;
    while (at < end && fits(blocks[at], choices[index], rules, scale)) at++;
    if (at < end) continue;
    if (decision !== null) found.push(decision, index);
    return true;
  }
  return false;
}

/** The blocks of a network under one scale, and the decisions found so far. */
interface Reading {
  readonly blocks: readonly BlockWithInput[];
  readonly rules: WidthRules;
  readonly scale: StageScale;
  readonly found: Pairs;
}

/** Adds the smallest choices with which a stage builds exactly the blocks from `start` to `end`, without it. */
function readStage(stage: StageSlots, reading: Reading, start: number, end: number, { share }: StagedPlan): boolean {
  const { blocks } = reading;
  for (let i = start + 1; i < end; i++) if (blocks[i].block.stride !== 1) return false;
  const isRead =
    addFor(stage.stride, fitsBlock.stride, reading, start, start + 1) &&
    addFor(stage.filters, fitsBlock.filters, reading, start, end) &&
    addFor(stage.kind, fitsBlock.kind, reading, start, end) &&
    addFor(stage.act, fitsBlock.act, reading, start, end);
  if (!isRead) return false;
  // Layers that share a decision are read together.
  const size = share === 'stage' ? end - start : 1;
  for (let i = start; i < end; i += size) {
    const { kernel, expand, se, before, group_width } = stage.layers[i - start];
    const isLayer =
      addFor(kernel, fitsBlock.kernel, reading, i, i + size) &&
      addFor(expand, fitsBlock.expand, reading, i, i + size) &&
      addFor(se, fitsBlock.se, reading, i, i + size) &&
      addFor(before, fitsBlock.before, reading, i, i + size) &&
      addFor(group_width, fitsBlock.group_width, reading, i, i + size);
    if (!isLayer) return false;
  }
  return true;
}

/**
 * Adds the blocks read as the stages; the smallest depths first.
 * @param isCut whether a block of stride 2 after the last block would not be part of the network
 */
function readStages(layout: Layout, reading: Reading, isCut: boolean): boolean {
  const { blocks, scale, found } = reading;
  const dead = new Set<number>();
  const from = (index: number, start: number): boolean => {
    if (index === layout.stages.length) return start === blocks.length;
    const mayEnd = isCut && start === blocks.length;
    const key = index * (blocks.length + 1) + start;
    if (dead.has(key)) return false;
    const stage = layout.stages[index];
    const before = found.length;
    for (let i = 0; i < stage.depth.choices.length; i++) {
      const end = start + scaledDepth(stage.depth.choices[i], scale);
      if (end > blocks.length && !mayEnd) continue;
      if (stage.depth.decision !== null) found.push(stage.depth.decision, i);
      // The network ends before a block that halves its map: later stages do not matter.
      if (end > blocks.length && add(stage.stride, (stride) => stride === 2, found)) return true;
      if (end > blocks.length) {
        found.length = before;
        continue;
      }
      const isRead = end === start || readStage(stage, reading, start, end, layout.plan);
      if (isRead && from(index + 1, end)) return true;
      found.length = before;
    }
    dead.add(key);
    return false;
  };
  return from(0, 0);
}

function readDetection({ detect }: Layout, target: DetectionHead, found: Pairs): boolean {
  return (
    detect !== null &&
    add(detect.stride, (stride) => stride === target.stride, found) &&
    add(detect.deepest, (deepest) => Math.max(target.stride, deepest) === target.deepest, found) &&
    add(detect.width, (width) => width === target.width, found) &&
    add(detect.depth, (depth) => depth === target.depth, found) &&
    add(detect.se, (se) => se === (target.se ?? 0), found)
  );
}

function readHead(layout: Layout, target: Head | DetectionHead, scale: StageScale, found: Pairs): boolean {
  const { head, plan, detect } = layout;
  if ('kind' in target) return readDetection(layout, target, found);
  if (detect !== null) return false;
  const width = (filters: number): number => (filters === 0 ? 0 : scaledWidth(filters, scale, plan.divisor));
  return (
    add(head.filters, (filters) => width(filters) === target.filters, found) &&
    add(head.hidden, (hidden) => width(hidden) === (target.hidden ?? 0), found) &&
    add(head.act, (act) => act === target.act || (target.filters === 0 && target.hidden === undefined), found) &&
    add(head.dropout, (dropout) => dropout === target.dropout, found)
  );
}

/** Adds the smallest genotype of a network under one scale. */
function readNetwork(
  layout: Layout,
  { scale, indices }: ScaleOption,
  network: Network,
  blocks: readonly BlockWithInput[],
  found: Pairs,
): boolean {
  const { plan, stem } = layout;
  if (inputOf(plan, scale).some((side, i) => side !== network.input[i])) return false;
  for (const [i, { decision }] of layout.scales.entries()) if (decision !== null) found.push(decision, indices[i]);
  return (
    add(stem.filters, (filters) => scaledWidth(filters, scale, plan.divisor) === network.stem.filters, found) &&
    add(stem.kernel, (kernel) => kernel === network.stem.kernel, found) &&
    add(stem.stride, (stride) => stride === network.stem.stride, found) &&
    add(stem.act, (act) => act === network.stem.act, found) &&
    readHead(layout, network.head, scale, found) &&
    readStages(layout, { blocks, rules: plan, scale, found }, isComplete(network))
  );
}

/** Whether the blocks of a detector reach its deepest map. */
function isComplete(network: Network): boolean {
  const head = detectionOf(network);
  if (head === null) return false;
  return (
    network.blocks.reduce<number>((stride, block) => stride * strideOf(block), network.stem.stride) === head.deepest
  );
}

/**
 * The lexicographically smallest genotype that builds a network; null when none does. It parses the network as a sentence of
 * the space, scale by scale and stage by stage. This handles irrelevant decisions (layers beyond the depth), widths that round
 * to the same value, and adjacent stages that can replace each other.
 */
function parsed(layout: Layout, network: StagedNetwork): Genotype | null {
  const blocks = network.blocks.map((block, i) => ({
    block,
    channels: i === 0 ? network.stem.filters : network.blocks[i - 1].filters,
  }));
  for (const option of layout.scaleOptions) {
    const found: Pairs = [];
    if (!readNetwork(layout, option, network, blocks, found)) continue;
    const canonical = new Array<number>(layout.decisions.length).fill(0);
    for (let i = 0; i < found.length; i += 2) canonical[found[i]] = found[i + 1];
    return canonical;
  }
  return null;
}

/** The lexicographically smallest genotype that builds the network of a genotype. */
export function canonicalGenotype(layout: Layout, genotype: Genotype, network = buildNetwork(layout, genotype)) {
  const canonical = parsed(layout, network);
  if (canonical === null) throw new Error(`genotype ${genotype.join('-')} is not of this space`);
  return canonical;
}

const isStaged = (network: Network): network is StagedNetwork =>
  network.blocks.every(({ kind }) => blockKinds.some((known) => known === kind));

const structure = ({ stem, blocks, head }: Network): string => canonicalJson({ stem, blocks, head });

/** The canonical genotype of a network of any style; null when it is no member of the space. */
export function findNetwork(layout: Layout, network: Network): Genotype | null {
  const found = isStaged(network) ? parsed(layout, network) : null;
  // Parsing ignores fields that no stage has.
  return found !== null && structure(buildNetwork(layout, found)) === structure(network) ? found : null;
}
