import { describe, it } from 'vitest';
import { functionOf } from '../cases/case.js';
import { largeTileCases } from '../cases/convolution.js';
import { expectSameAsReference } from '../support/reference.js';
import { Sampler } from '../support/samples.js';

describe('convolutions by minimal filtering agree with the cpu backend', () => {
  for (const each of largeTileCases)
    it(each.name, () => expectSameAsReference(functionOf(each), each.inputs(new Sampler(each.name))));
});
