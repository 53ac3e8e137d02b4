import { describe } from 'vitest';
import { engineSchema } from '../../../trainers/index.js';
import { describeOnWebGpu, runsAllOnWebGpu } from '../../support/webgpu.js';
import { describeEngine, openSingle } from './contract.js';

/** It takes minutes; what is most particular to a device, its states and its numbers, has tests of its own. */
describe.runIf(runsAllOnWebGpu)('with NAS_WEBGPU_ALL', () =>
  describeOnWebGpu('on WebGPU', () => {
    describeEngine('compiled', openSingle(engineSchema.parse({ type: 'compiled', provider: 'webgpu' })));
  }),
);
