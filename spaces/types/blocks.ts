import { z } from 'zod';
import type { Task } from '../space.js';
import type { StagedPlan } from '../staged/plan.js';
import { stagedShape, stageSchema } from '../staged/schema.js';
import { commonPlan } from './staged.js';

/**
 * `space: {type: blocks}`: a space of one's own, block by block; any field may be a list of choices. `depth` repeats a
 * block (0: it may be left out). Widths are exact unless `divisor` is given.
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
    base: { resolution: task.input[0], width: 1, depth: 1 },
    scales: [
      {
        name: 'resolution',
        choices: config.resolution ?? [task.input[0]],
        apply: (scale, r) => ({ ...scale, resolution: r }),
      },
      { name: 'width', choices: config.width ?? [1], apply: (scale, w) => ({ ...scale, width: w }) },
    ],
    terms: { stage: 'block', path: 'space.blocks' },
  };
}
