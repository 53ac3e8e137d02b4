import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lifetimes, planMemory, planMore } from '../../../compiler/native/memory.js';
import type { Buffer, Pass } from '../../../compiler/native/passes.js';
import { encodePasses, passInts } from '../../../compiler/native/encode.js';
import { leastFloats, printPasses } from '../support/print-passes.js';

const buffer = (name: string, floats: number, kept = false): Buffer => ({ name, floats, kept });

test('a buffer lives from its first to its last use, in a group as long as the group', () => {
  const [a, b, c] = [buffer('a', 16), buffer('b', 16), buffer('c', 16)];
  const passes: Pass[] = [
    { op: 'SUM', x: a, y: b },
    { op: 'SUM', group: 1, x: b, y: c },
    { op: 'SUM', group: 1, x: c, y: a },
    { op: 'SUM', group: 2, x: { buffer: c, from: 0, floats: 8 } },
    { op: 'SUM', x: a },
  ];
  expect(lifetimes(passes)).toEqual([
    { buffer: a, first: 0, last: 3 },
    { buffer: b, first: 0, last: 1 },
    { buffer: c, first: 1, last: 2 },
  ]);
});

const seed = 5;
const chains = fc.array(
  fc.record({ floats: fc.integer({ min: 1, max: 200 }), reach: fc.integer({ min: 0, max: 4 }), kept: fc.boolean() }),
  {
    minLength: 1,
    maxLength: 30,
  },
);

test('buffers that live at the same time share no memory, and kept ones share none at all', () => {
  const property = fc.property(chains, (chain) => {
    const buffers = chain.map(({ floats, kept }, i) => buffer(`b${i}`, floats, kept));
    const passes: Pass[] = buffers.map((y, i) => {
      const from = buffers[Math.max(0, i - chain[i].reach)];
      return { op: 'SUM', x: from, y };
    });
    const plan = planMemory([passes, passes.toReversed()]);
    for (const [offsets, order] of [
      [plan.offsets[0], passes],
      [plan.offsets[1], passes.toReversed()],
    ] as const) {
      const lives = new Map(lifetimes(order).map((life) => [life.buffer, life]));
      const all = { first: -1, last: order.length };
      for (const a of buffers)
        for (const b of buffers) {
          const [from, other] = [offsets.get(a) ?? NaN, offsets.get(b) ?? NaN];
          expect(from % 16).toBe(0);
          expect(from).toBeGreaterThan(0);
          expect(from + a.floats).toBeLessThanOrEqual(plan.floats);
          const [one, two] = [lives.get(a) ?? all, lives.get(b) ?? all];
          if (a === b || one.last < two.first || two.last < one.first) continue;
          expect(from + a.floats <= other || other + b.floats <= from).toBe(true);
        }
      for (const a of buffers) if (a.kept) expect(offsets.get(a)).toBe(plan.offsets[0].get(a));
    }
  });
  fc.assert(property, { seed, numRuns: 15 });
});

test('a chain of maps needs the memory of two', () => {
  const maps = Array.from({ length: 9 }, (_, i) => buffer(`map${i}`, 1000));
  const passes = maps.slice(1).map((y, i): Pass => ({ op: 'SUM', x: maps[i], y }));
  const plan = planMemory([passes]);
  expect(leastFloats(lifetimes(passes))).toBe(2 * 1008);
  expect(plan.floats).toBe(16 + 2 * 1008);
});

test('passes are encoded and printed', () => {
  const weights = buffer('weights', 100, true);
  const [x, y] = [buffer('map', 32), buffer('map', 32)];
  const pass: Pass = {
    op: 'PRODUCT_FORWARD',
    group: -3,
    cin: 5,
    x,
    x_act: 'swish',
    y,
    source: { buffer: weights, from: 16, floats: 10 },
    epsilon: 0.5,
  };
  const { offsets } = planMemory([[pass]]);
  const encoded = encodePasses([pass], offsets[0]);
  expect(encoded).toHaveLength(passInts);
  expect([...encoded].filter((value) => value !== 0)).toEqual([2, -3, 5, 128, 4, 160, 32, 0x3f000000]);
  expect(printPasses([pass])).toBe(
    'PRODUCT_FORWARD group=-3 cin=5 x=map x_act=swish y=map#2 source=weights[16:26] epsilon=0.5',
  );
});

test('what does not fit is refused with its place', () => {
  const x = buffer('map', 32);
  const encode = (pass: Pass) => () => encodePasses([pass], planMemory([[pass]]).offsets[0]);
  expect(encode({ op: 'SUM', x: { buffer: x, from: 30, floats: 3 } })).toThrow(
    'pass 0 (SUM) x is [30, 33) of the buffer map, which has 32 floats',
  );
  expect(encode({ op: 'SUM', x, cin: 1.5 })).toThrow('pass 0 (SUM) cin is 1.5');
  expect(() => planMemory([[{ op: 'SUM', x: buffer('map', 2 ** 31) }]])).toThrow('floats of memory');
});

test('a further sequence finds kept buffers where they are, and its own in the shared memory, where kept ones stay', () => {
  const [weights, image, a, b] = [
    buffer('weights', 20, true),
    buffer('image', 5, true),
    buffer('a', 40),
    buffer('b', 40),
  ];
  const plan = planMemory([[{ op: 'SUM', x: weights, y: buffer('large', 100) }]]);
  const more = planMore(plan, [
    { op: 'SUM', x: weights, y: a },
    { op: 'SUM', x: a, y: b },
    { op: 'SUM', x: image, y: b },
  ]);
  const at = (of: Buffer): number => more.offsets.get(of) ?? NaN;
  expect(at(weights)).toBe(plan.offsets[0].get(weights));
  const placed = [at(weights), at(a), at(b), at(image), more.floats];
  expect(placed).toEqual([16, 48, 96, 144, 160]);
});
