import { createSpace, spaceSchema, type Space, type SpaceConfig, type Task } from '../../../spaces/index.js';

export const task: Task = { input: [10, 10, 1], classes: 10 };

const kinds = ['mbconv', 'separable', 'fused_mbconv', 'basic', 'conv'];

/** Tiny networks that share everything possible: depths, widths, kernels, squeeze-excite, kinds of block. */
export const tinySpace: SpaceConfig = spaceSchema.parse({
  type: 'blocks',
  width: [0.5, 1],
  stem: { filters: 8, stride: 2, act: 'hard_swish', kernel: [3, 5] },
  blocks: [
    { filters: 8, depth: [1, 2], kernel: [3, 5, 7], expand: [1, 2], se: [0, 0.25], act: 'hard_swish' },
    { filters: 12, stride: 2, depth: [1, 2], kind: kinds, before: [0, 5], kernel: [0, 3], expand: [1, 2], act: 'relu' },
  ],
  head: { filters: [0, 16], act: 'relu', dropout: 0.2 },
});

/** A minimal space of several networks and resolutions: quick to compile. */
export const tiniestSpace = (dropout = 0.2): SpaceConfig =>
  spaceSchema.parse({
    type: 'blocks',
    resolution: [10, 8],
    stem: { filters: 6, stride: 2, act: 'hard_swish' },
    blocks: [{ filters: 6, kernel: [3, 5], expand: [1, 2], se: [0, 0.25], act: 'swish' }],
    head: { filters: 8, act: 'swish', dropout },
  });

/** A space of one network. */
export const singleSpace: SpaceConfig = spaceSchema.parse({
  type: 'blocks',
  stem: { filters: 8, stride: 2, act: 'hard_swish' },
  blocks: [
    { filters: 8, kernel: 3, expand: 2, se: 0.25, act: 'swish' },
    { filters: 12, stride: 2, kernel: 3, expand: 2 },
  ],
  head: { filters: 16, act: 'relu' },
});

export const makeSpace = (config: SpaceConfig, of: Task = task): Promise<Space> => createSpace(config, of);
