import { expect, it } from 'vitest';
import { relevantDecisions } from '../../../search/strategies/strategy.js';
import { canonicalSpace } from '../support.js';

it('relevant decisions are those whose choices change the network', () => {
  expect(relevantDecisions(canonicalSpace, [0, 2, 0, 0])).toEqual([true, true, false, false]);
  expect(relevantDecisions(canonicalSpace, [2, 0, 0, 0])).toEqual([true, true, true, true]);
});
