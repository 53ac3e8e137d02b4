import { z } from 'zod';
import type { Task } from '../space.js';
import type { StagedPlan } from '../staged/layout.js';
import { commonPlan, stagedShape, stageSchema } from '../staged/config.js';

/**
 * `space: {type: blocks}`: a user-defined space, block by block; any field may be a list of choices. `depth` repeats a
 * block; depth 0 omits it. Widths are exact unless `divisor` is given.
 */
export const blocksSchema = z
  .strictObject({
    type: z.literal('blocks'),
    ...stagedShape,
    blocks: z.array(stageSchema).min(1).describe('the blocks from input to output; `depth` repeats one'),
  })
  .describe('a space of your own, block by block');
export type BlocksConfig = z.output<typeof blocksSchema>;

export function blocksPlan(config: BlocksConfig, task: Task): StagedPlan {
  return {
    ...commonPlan({ ...config, stages: config.blocks }, { divisor: 1, share: 'layer' }, task),
    name: 'blocks',
    terms: { stage: 'block', path: 'space.blocks' },
  };
}
