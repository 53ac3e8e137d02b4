import { describeMembers } from './exactness.js';
import { tinySpace } from './spaces.js';

describeMembers(
  'all kinds of block, kernels, squeeze-excite, expansion 1, odd maps',
  tinySpace,
  { input: [10, 10, 1] },
  0,
);
