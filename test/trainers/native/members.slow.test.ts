import { afterAll, expect, test } from 'vitest';
import { nativeLibrary } from '../../../compiler/native/library.js';
import { type Distance, distancesOf, type EngineName, engines, membersOf, spaces } from './members.js';

const found = nativeLibrary();
/** NAS_MEMBERS=100 npx vitest run --project slow test/trainers/native/members compares more. */
const count = Number(process.env['NAS_MEMBERS'] ?? 10);
const bar = 1e-4;
const names = Object.keys(engines) as EngineName[];

const rows: string[] = [];
afterAll(() => {
  console.log(['space, engine, members: worst array, median and largest; members over 1e-4', ...rows].join('\n'));
});

function row(space: string, engine: EngineName, distances: readonly Distance[]): string {
  const worst = distances.map((distance) => distance.worst).sort((a, b) => a - b);
  const [middle, last] = [worst[worst.length >> 1] ?? NaN, worst.at(-1) ?? NaN].map((value) => value.toExponential(1));
  return `${space}, ${engine}, ${worst.length}: ${middle} ${last}; ${worst.filter((value) => value > bar).length}`;
}

// Deep networks on small maps make much of each rounding: there, the compiled engine's distance is the measure.
test.skipIf('reason' in found).each(spaces)(
  'gradients of members of $name are those of float64',
  async (space) => {
    const distances: Record<EngineName, Distance[]> = { native: [], compiled: [] };
    for (const member of await membersOf(space, count)) {
      const { native, compiled } = await distancesOf(member, names);
      if (compiled !== undefined) distances.compiled.push(compiled);
      if (native === undefined) continue;
      distances.native.push(native);
      const most = Math.max(bar, 3 * (compiled?.worst ?? 0));
      expect({ ...native, seed: member.seed, isNear: native.worst <= most }).toMatchObject({ isNear: true });
    }
    rows.push(...names.map((name) => row(space.name, name, distances[name])));
  },
  7_200_000,
);
