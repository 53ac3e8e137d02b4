import type { Choice, Genotype } from '../genotype.js';
import { canonicalJson } from '../../base/hash.js';
import { blockKinds, expandedWidth, type Head, type Network, type StageBlock } from '../network.js';
import { buildNetwork, exactExpand, exactSe, inputOf, scaledWidth, type StagedNetwork } from './build.js';
import {
  type Layout,
  type StageScale,
  scaledDepth,
  type ScaleOption,
  type Slot,
  type StageSlots,
  type WidthRules,
} from './layout.js';

/** A block of the network with its number of input channels. */
interface BlockWithInput {
  readonly block: StageBlock;
  readonly channels: number;
}

/** Pairs of decision and index; null: no choice gives the value. */
type Found = readonly (readonly [decision: number, index: number])[] | null;

/** The smallest matching choice of a slot. */
function smallest<T extends Choice>({ choices, decision }: Slot<T>, fits: (choice: T) => boolean): Found {
  const index = choices.findIndex(fits);
  if (index < 0) return null;
  return decision === null ? [] : [[decision, index]];
}

/** The pairs of all parts; the first part that is not found ends the search. */
function together(parts: readonly (() => Found)[]): Found {
  const all: (readonly [number, number])[] = [];
  for (const part of parts) {
    const found = part();
    if (found === null) return null;
    for (const pair of found) all.push(pair);
  }
  return all;
}

const fitsExpand = ({ block, channels }: BlockWithInput, expand: number, { divisor }: WidthRules): boolean =>
  block.kind === 'basic' || exactExpand(channels, expand, divisor) === block.expand;

function fitsSe({ block, channels }: BlockWithInput, se: number, rules: WidthRules): boolean {
  if (block.kind === 'basic') return true;
  const fused = block.kind === 'fused_mbconv' && block.expand === 1;
  const wide = fused ? block.filters : expandedWidth(channels, block.expand);
  return exactSe(wide, channels, se, rules) === block.se;
}

/** The smallest choices with which a stage builds exactly these blocks. */
function readStage(stage: StageSlots, blocks: readonly BlockWithInput[], scale: StageScale, layout: Layout): Found {
  const { share, divisor } = layout.plan;
  if (blocks.some(({ block }, i) => i > 0 && block.stride !== 1)) return null;
  const every = <T>(value: T, of: (block: StageBlock) => T): boolean =>
    blocks.every(({ block }) => of(block) === value);
  // Layers that share a decision are read together.
  const groups = share === 'stage' ? [blocks] : blocks.map((one) => [one]);
  return together([
    () => smallest(stage.stride, (stride) => blocks[0].block.stride === stride),
    () => smallest(stage.filters, (filters) => every(scaledWidth(filters, scale, divisor), (block) => block.filters)),
    () => smallest(stage.kind, (kind) => every(kind, (block) => block.kind)),
    () => smallest(stage.act, (act) => every(act, (block) => block.act)),
    ...groups.flatMap((group, i) => [
      () => smallest(stage.layers[i].kernel, (kernel) => group.every(({ block }) => block.kernel === kernel)),
      () => smallest(stage.layers[i].expand, (expand) => group.every((one) => fitsExpand(one, expand, layout.plan))),
      () => smallest(stage.layers[i].se, (se) => group.every((one) => fitsSe(one, se, layout.plan))),
    ]),
  ]);
}

/** Reads the blocks from `position` as the stages from `index`; the smallest depths first. */
function readStages(layout: Layout, blocks: readonly BlockWithInput[], scale: StageScale): Found {
  const dead = new Set<string>();
  const from = (index: number, position: number): Found => {
    if (index === layout.stages.length) return position === blocks.length ? [] : null;
    const key = `${index},${position}`;
    if (dead.has(key)) return null;
    const stage = layout.stages[index];
    for (const [i, choice] of stage.depth.choices.entries()) {
      const end = position + scaledDepth(choice, scale);
      if (end > blocks.length) continue;
      const own = end === position ? [] : readStage(stage, blocks.slice(position, end), scale, layout);
      const rest = own === null ? null : from(index + 1, end);
      const depth = stage.depth.decision === null ? [] : [[stage.depth.decision, i] as const];
      if (own !== null && rest !== null) return [...depth, ...own, ...rest];
    }
    dead.add(key);
    return null;
  };
  return from(0, 0);
}

function readHead({ head, plan }: Layout, target: Head, scale: StageScale): Found {
  const width = (filters: number): number => (filters === 0 ? 0 : scaledWidth(filters, scale, plan.divisor));
  return together([
    () => smallest(head.filters, (filters) => width(filters) === target.filters),
    () => smallest(head.hidden, (hidden) => width(hidden) === (target.hidden ?? 0)),
    () => smallest(head.act, (act) => act === target.act || (target.filters === 0 && target.hidden === undefined)),
    () => smallest(head.dropout, (dropout) => dropout === target.dropout),
  ]);
}

/** The smallest genotype of a network under one scale, as pairs of decision and index. */
function readNetwork(
  layout: Layout,
  { scale, indices }: ScaleOption,
  network: Network,
  blocks: readonly BlockWithInput[],
): Found {
  const { plan, stem } = layout;
  if (inputOf(plan, scale).some((side, i) => side !== network.input[i])) return null;
  return together([
    () => layout.scales.flatMap(({ decision }, i) => (decision === null ? [] : [[decision, indices[i]] as const])),
    () => smallest(stem.filters, (filters) => scaledWidth(filters, scale, plan.divisor) === network.stem.filters),
    () => smallest(stem.kernel, (kernel) => kernel === network.stem.kernel),
    () => smallest(stem.stride, (stride) => stride === network.stem.stride),
    () => smallest(stem.act, (act) => act === network.stem.act),
    () => readHead(layout, network.head, scale),
    () => readStages(layout, blocks, scale),
  ]);
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
    const found = readNetwork(layout, option, network, blocks);
    if (found === null) continue;
    const canonical = layout.decisions.map(() => 0);
    for (const [decision, index] of found) canonical[decision] = index;
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
