import { describe, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { expectSameAsAlone, pairs, withoutVariables } from './support/slices.js';

withoutVariables();

describe('a network whose weights are slices of larger ones has the loss and gradients of the network alone, bit for bit', () => {
  it.each(Object.keys(pairs).flatMap((key) => [true, false].map((blocked) => [key, blocked] as const)))(
    '%s, blocked: %s',
    async (key, blocked) => expectSameAsAlone(key, await resolveTarget({ blocked })),
  );
});
