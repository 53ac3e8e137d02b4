import { afterAll, expect, test } from 'vitest';
import { nativeLibrary } from '../../../compiler/native/library.js';
import { distanceBy, membersOf, spaces } from './members.js';

const found = nativeLibrary();
/**
 * One with the activations of the space, and one with others.
 * NAS_MEMBERS=100 npx vitest run --project slow test/trainers/native/members compares more.
 */
const count = Number(process.env['NAS_MEMBERS'] ?? 2);
const bar = 1e-4;

const rows: string[] = [];
afterAll(() => console.log(['space, members: worst array, median and largest; members over 1e-4', ...rows].join('\n')));

// Deep networks on small maps make much of each rounding: there, the compiled engine's distance is the measure.
test.skipIf('reason' in found).each(spaces)(
  'gradients of members of $name are those of float64',
  async (space) => {
    const worst: number[] = [];
    for (const member of await membersOf(space, count)) {
      const native = await distanceBy('native', member);
      if (native === null) continue;
      worst.push(native.worst);
      const most = native.worst <= bar ? bar : 3 * ((await distanceBy('compiled', member))?.worst ?? 0);
      expect({ ...native, seed: member.seed, isNear: native.worst <= most }).toMatchObject({ isNear: true });
    }
    worst.sort((a, b) => a - b);
    const [middle, last] = [worst[worst.length >> 1] ?? NaN, worst.at(-1) ?? NaN].map((one) => one.toExponential(1));
    rows.push(`${space.name}, ${worst.length}: ${middle} ${last}; ${worst.filter((value) => value > bar).length}`);
  },
  7_200_000,
);
