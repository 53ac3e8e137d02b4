import { spaceSchema } from '../../../spaces/index.js';
import { describeMembers } from './exactness.js';
import { tinySpace } from './spaces.js';

describeMembers('all kinds of block, kernels, squeeze-excite, expansion 1, odd maps', tinySpace, [10, 10, 1], 6);
const mobilenet = spaceSchema.parse({
  type: 'mobilenet',
  preset: 'tiny',
  resolution: [9, 12, 16],
  width: [0.5, 0.75, 1],
});
describeMembers('several resolutions, odd ones too', mobilenet, [16, 16, 3], 2);
describeMembers('fused blocks', spaceSchema.parse({ type: 'efficientnet', preset: 'tiny' }), [13, 13, 1], 2);
