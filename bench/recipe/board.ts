import { mean } from '../../base/statistics.js';
import { foundBy } from './search.js';
import { each, points, signed, standardError, type Setting } from './setting.js';
import type { Rows } from './studies.js';

/** A board with 64 kB for activations and 256 kB for the int8 program. */
const constraints = { sram_kb: 64, flash_kb: 256 };

const stage = (filters: number, stride: 1 | 2, depth: number | readonly number[], expand: number | readonly number[]) =>
  ({ filters, stride, depth, expand, kernel: [3, 5], se: [0, 0.25], act: 'hard_swish' }) as const;

/** MobileNetV2's stages (Sandler et al. 2018). The search chooses the stride of the stem only. */
const published = [
  [16, 1, 1, 1],
  [24, 1, 2, 6],
  [32, 2, 3, 6],
  [64, 2, 4, 6],
  [96, 1, 3, 6],
  [160, 2, 3, 6],
  [320, 1, 1, 6],
] as const;

const spaces = {
  scaled: {
    type: 'mobilenet',
    // The widest that fits, of steps of 0.05: 0.3 takes 295 kB of flash.
    width: 0.25,
    stem: { filters: 32, stride: [1, 2], act: 'relu6' },
    stages: published.map(([filters, stride, depth, expand]) => ({
      filters,
      stride,
      depth,
      expand,
      kernel: 3,
      se: 0,
      act: 'relu6',
    })),
    head: { filters: 1280, act: 'relu6', dropout: 0 },
  },
  searched: {
    type: 'mobilenet',
    width: [0.5, 0.75, 1, 1.25, 1.5],
    share: 'stage',
    stem: { filters: 16, stride: [1, 2], act: 'hard_swish' },
    stages: [
      stage(16, 1, [1, 2], [1, 2]),
      stage(24, 2, [1, 2, 3], [2, 3, 4]),
      stage(40, 2, [1, 2, 3], [3, 4, 6]),
      stage(80, 2, [0, 1, 2], [3, 4, 6]),
    ],
    head: { filters: 160, act: 'hard_swish', dropout: 0 },
  },
} as const;

const trials = { scaled: 2, searched: 8 } as const;

/**
 * The most accurate network for a board, by validation: of a searched space, and of MobileNetV2 scaled to fit. All networks train
 * alike.
 */
export async function board(setting: Setting): Promise<Rows> {
  const keys = { constraints, objectives: ['accuracy'] };
  const best = async (name: keyof typeof spaces, seed: number) => {
    const found = await foundBy(setting, `board-${name}`, seed, {
      ...keys,
      space: spaces[name],
      search: { trials: trials[name] },
    });
    return found.reduce((a, b) => (b.error < a.error ? b : a));
  };
  const pairs = await each(setting.seeds, async (seed) => ({
    scaled: await best('scaled', seed),
    searched: await best('searched', seed),
  }));
  const gains = pairs.map(({ scaled, searched }) => scaled.testError - searched.testError);
  const row = (name: keyof typeof spaces): string[] => [
    name,
    ...(['sram_bytes', 'flash_bytes', 'macs'] as const).map((value) =>
      pairs.map((pair) => (pair[name].values[value] / 1024).toFixed(0)).join(' '),
    ),
    pairs.map((pair) => points(1 - pair[name].testError)).join(' '),
  ];
  return [
    ['64 kB SRAM, 256 kB flash', 'SRAM [kB]', 'flash [kB]', 'MACs [k]', 'test accuracy [%]'],
    row('scaled'),
    row('searched'),
    [
      'gain in points',
      '',
      '',
      '',
      `${signed(mean(gains))}${gains.length > 1 ? ` ± ${points(standardError(gains))}` : ''}`,
    ],
  ];
}
