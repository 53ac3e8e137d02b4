import { describe, it } from 'vitest';
import { functionOf } from '../cases/case.js';
import { slowImageCases } from '../cases/convolution.js';
import { expectSameAsReference } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

describe('convolutions, compiled, agree with the cpu backend', () => {
  for (const each of slowImageCases)
    it(each.name, () =>
      expectSameAsReference(functionOf(each), each.inputs(new Sampler(each.name)), { tolerance: 1e-5 }),
    );
});
