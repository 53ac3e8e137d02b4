import type { MBConv, Network } from '../../spaces/index.js';

type Row = readonly [kernel: number, expanded: number, filters: number, se: boolean, act: MBConv['act'], stride: 1 | 2];

/** Rounds a width to a multiple of 8, and not down by more than a tenth. */
export const divisible = (width: number): number => {
  const rounded = Math.max(8, Math.floor((width + 4) / 8) * 8);
  return rounded < 0.9 * width ? rounded + 8 : rounded;
};

/** Rows of the papers' tables, with the expanded width as they print it. */
function blocks(stem: number, rows: readonly Row[]): MBConv[] {
  return rows.map(([kernel, expanded, filters, se, act, stride], i) => ({
    kind: 'mbconv',
    kernel,
    filters,
    stride,
    act,
    expand: expanded / (i === 0 ? stem : rows[i - 1][2]),
    se: se ? divisible(expanded / 4) / expanded : 0,
  }));
}

const imagenet = { kind: 'network', input: [224, 224, 3], classes: 1000 } as const;

/** Howard et al. 2019, table 2. */
export const mobilenetV3Small: Network = {
  ...imagenet,
  stem: { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: blocks(16, [
    [3, 16, 16, true, 'relu', 2],
    [3, 72, 24, false, 'relu', 2],
    [3, 88, 24, false, 'relu', 1],
    [5, 96, 40, true, 'hard_swish', 2],
    [5, 240, 40, true, 'hard_swish', 1],
    [5, 240, 40, true, 'hard_swish', 1],
    [5, 120, 48, true, 'hard_swish', 1],
    [5, 144, 48, true, 'hard_swish', 1],
    [5, 288, 96, true, 'hard_swish', 2],
    [5, 576, 96, true, 'hard_swish', 1],
    [5, 576, 96, true, 'hard_swish', 1],
  ]),
  head: { filters: 576, hidden: 1024, act: 'hard_swish', dropout: 0.2 },
};

/** Howard et al. 2019, table 1. */
export const mobilenetV3Large: Network = {
  ...imagenet,
  stem: { filters: 16, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: blocks(16, [
    [3, 16, 16, false, 'relu', 1],
    [3, 64, 24, false, 'relu', 2],
    [3, 72, 24, false, 'relu', 1],
    [5, 72, 40, true, 'relu', 2],
    [5, 120, 40, true, 'relu', 1],
    [5, 120, 40, true, 'relu', 1],
    [3, 240, 80, false, 'hard_swish', 2],
    [3, 200, 80, false, 'hard_swish', 1],
    [3, 184, 80, false, 'hard_swish', 1],
    [3, 184, 80, false, 'hard_swish', 1],
    [3, 480, 112, true, 'hard_swish', 1],
    [3, 672, 112, true, 'hard_swish', 1],
    [5, 672, 160, true, 'hard_swish', 2],
    [5, 960, 160, true, 'hard_swish', 1],
    [5, 960, 160, true, 'hard_swish', 1],
  ]),
  head: { filters: 960, hidden: 1280, act: 'hard_swish', dropout: 0.2 },
};

const v2Stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** Sandler et al. 2018, table 2. */
export const mobilenetV2: Network = {
  ...imagenet,
  stem: { filters: 32, kernel: 3, stride: 2, act: 'relu6' },
  blocks: v2Stages.flatMap(([expand, filters, depth, first]) =>
    Array.from({ length: depth }, (_, i) => ({
      kind: 'mbconv' as const,
      filters,
      kernel: 3,
      stride: i === 0 ? first : 1,
      act: 'relu6' as const,
      expand,
      se: 0,
    })),
  ),
  head: { filters: 1280, act: 'relu6', dropout: 0.2 },
};
