import { expect, test } from 'vitest';
import { nativeLibrary } from '../../../compiler/native/library.js';
import { distanceBy, membersOf, spaces } from './members.js';

const found = nativeLibrary();

/** The others take seconds a network: members.slow.test.ts. */
const quick = { 'mobilenet tiny': 2, 'efficientnet tiny': 1, blocks: 4 } as const;

test.skipIf('reason' in found).each(Object.entries(quick))(
  'gradients of %s are those of float64',
  async (name, count) => {
    const space = spaces.find((one) => one.name === name);
    if (space === undefined) throw new Error(`there is no space ${name}`);
    for (const member of await membersOf(space, count)) {
      expect((await distanceBy('native', member))?.worst).toBeLessThan(1e-4);
    }
  },
);
