import { spaceSchema } from '../../../spaces/index.js';
import { describeMembers } from './exactness.js';
import { tinySpace } from './spaces.js';

describeMembers(
  'all kinds of block, kernels, squeeze-excite, expansion 1, odd maps',
  tinySpace,
  { input: [10, 10, 1] },
  3,
);
const mobilenet = spaceSchema.parse({
  type: 'mobilenet',
  preset: 'tiny',
  resolution: [9, 12, 16],
  width: [0.5, 0.75, 1],
});
describeMembers('several resolutions, odd ones too', mobilenet, { input: [16, 16, 3] }, 1);
describeMembers('fused blocks', spaceSchema.parse({ type: 'efficientnet', preset: 'tiny' }), { input: [13, 13, 1] }, 1);
const detectors = spaceSchema.parse({ type: 'mobilenet', preset: 'detector', resolution: [24, 32], width: [0.5, 1] });
describeMembers('detectors of several strides and sizes', detectors, { input: [32, 40, 3], maps: 'detection' }, 2);
const segmenters = spaceSchema.parse({ type: 'mobilenet', preset: 'segmenter', resolution: [24, 32], width: [0.5, 1] });
describeMembers('segmenters with and without a gate', segmenters, { input: [32, 40, 3], maps: 'segmentation' }, 2);
