import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sum } from '../../../base/statistics.js';
import { Random } from '../../../base/random.js';
import {
  channelGroups,
  costs,
  cutsOf,
  keptChannels,
  presetNetworks,
  ranked,
  shrinkNetwork,
  type Importance,
  type Network,
} from '../../../spaces/index.js';

const task = { input: [16, 16, 3] as const, classes: 10 };
const mobilenet = presetNetworks.mobilenet(task, 0.5);

const drawn = (network: Network, seed: number): Importance => {
  const random = new Random(seed, 'importance');
  return new Map(
    channelGroups(network).map(({ name, width }) => [name, Array.from({ length: width }, () => random.uniform())]),
  );
};

/** Each step by itself: the cheapest of all next blocks, every price computed anew. */
function slowly(network: Network, importance: Importance, multiple: number, steps: number): string[] {
  const groups = channelGroups(network);
  let widths = new Map<string, number>();
  const path: string[] = [];
  while (path.length < steps) {
    const now = costs(shrinkNetwork(network, widths) ?? network).macs;
    const candidates = groups.flatMap(({ name, width: first }) => {
      const own = importance.get(name) ?? [];
      const before = widths.get(name) ?? first;
      for (let width = multiple * (Math.ceil(before / multiple) - 1); width >= multiple; width -= multiple) {
        const next = new Map(widths).set(name, width);
        const cut = shrinkNetwork(network, next);
        if (cut === null) continue;
        const left = ranked(own)
          .slice(0, before)
          .map((channel) => own[channel]);
        return [{ next, name, width, price: sum(left.slice(width)) / sum(left) / (now - costs(cut).macs) }];
      }
      return [];
    });
    if (candidates.length === 0) return path;
    const best = candidates.reduce((a, b) => (b.price < a.price ? b : a));
    widths = best.next;
    path.push(`${best.name} ${best.width}`);
  }
  return path;
}

describe('cutsOf', () => {
  it('cuts where it costs least for what it saves, as if every price were computed each time', () => {
    for (const multiple of [4, 16]) {
      const importance = drawn(mobilenet, multiple);
      const path = [...cutsOf(mobilenet, importance, multiple)].slice(0, 40);
      const widthsAt = path.map(({ widths }) => [...widths].sort().join(' '));
      const expected = new Map<string, number>();
      const slow = slowly(mobilenet, importance, multiple, 40).map((step) => {
        const [name, width] = step.split(' ');
        return [...expected.set(name, Number(width))].sort().join(' ');
      });
      expect(widthsAt).toEqual(slow);
    }
  });

  it('makes networks smaller and smaller, in multiples, down to one multiple', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.constantFrom(4, 8, 16), (seed, multiple) => {
        let macs = costs(mobilenet).macs;
        const first = new Map(channelGroups(mobilenet).map(({ name, width }) => [name, width]));
        for (const { network, cost, widths } of cutsOf(mobilenet, drawn(mobilenet, seed), multiple)) {
          expect(cost).toBe(costs(network).macs);
          expect(cost).toBeLessThan(macs);
          macs = cost;
          for (const [name, width] of widths) {
            expect(width % multiple).toBe(0);
            expect(width).toBeGreaterThanOrEqual(multiple);
            expect(width).toBeLessThan(first.get(name) ?? 0);
          }
        }
      }),
      { numRuns: 3 },
    );
  });

  it('does not empty a group whose channels seem to matter little, each by itself', () => {
    const importance = new Map(
      channelGroups(mobilenet).map(({ name, width }) => [
        name,
        Array.from({ length: width }, () => (name === 'head' ? 1e-6 : 1)),
      ]),
    );
    const half = [...cutsOf(mobilenet, importance, 4)].find(({ cost }) => cost < 0.5 * costs(mobilenet).macs);
    const { width } = channelGroups(mobilenet).find(({ name }) => name === 'head') ?? { width: NaN };
    expect(half?.widths.get('head') ?? width).toBeGreaterThan(0.2 * width);
  });

  it('cuts first what does not matter at all', () => {
    const importance = new Map(
      [...drawn(mobilenet, 3)].map(([name, own]) => [name, name === 'stem' ? own.map(() => 0) : own]),
    );
    const [first] = cutsOf(mobilenet, importance, 4);
    expect([...first.widths.keys()]).toEqual(['stem']);
  });

  it('leaves groups alone that have no importance', () => {
    const importance = new Map([...drawn(mobilenet, 1)].filter(([name]) => name === 'head'));
    for (const { widths } of cutsOf(mobilenet, importance, 4)) expect([...widths.keys()]).toEqual(['head']);
  });
});

describe('keptChannels', () => {
  it('keeps the most important ones in their order, the first of equals', () => {
    const groups = [{ name: 'stem', width: 5, axes: [] }];
    const importance = new Map([['stem', [3, 1, 2, 1, 5]]]);
    expect(keptChannels(groups, importance, new Map([['stem', 4]])).get('stem')).toEqual([0, 1, 2, 4]);
    expect(keptChannels(groups, importance, new Map([['stem', 2]])).get('stem')).toEqual([0, 4]);
    expect(keptChannels(groups, importance, new Map()).size).toBe(0);
  });
});
