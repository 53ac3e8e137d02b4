import { describe, it } from 'vitest';
import { resolveTarget } from '../../compiler/index.js';
import { expectSameAsAlone, withoutVariables } from './support/slices.js';

withoutVariables();

describe('a network whose weights are slices of larger ones has the loss and gradients of the network alone, bit for bit', () => {
  it.each([
    ['squeeze-excite, channels that fill no block', true],
    ['basic blocks', false],
  ])('%s, blocked: %s', async (key, blocked) => expectSameAsAlone(key, await resolveTarget({ blocked })));
});
