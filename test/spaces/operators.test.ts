import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { crossover, enumerate, mutate, neighbours, sampleGenotype, spaceSize, tableSpace } from '../../spaces/index.js';
import { describeDecisionSpace } from './contract.js';
import { makeSpace } from './make.js';

const table = tableSpace('operations', [
  { name: 'a', choices: ['none', 'skip', 'conv'] },
  { name: 'b', choices: [1, 2] },
  { name: 'c', choices: [true] },
]);

describeDecisionSpace('a table', () => table);

describe('operators', () => {
  it('list a table completely', () => {
    expect([...enumerate(table)]).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [1, 1, 0],
      [2, 0, 0],
      [2, 1, 0],
    ]);
    expect(neighbours(table, [1, 0, 0])).toEqual([
      [0, 0, 0],
      [2, 0, 0],
      [1, 1, 0],
    ]);
  });

  it('sample decisions uniformly', () => {
    const random = new Random(1);
    const seen = [0, 0, 0];
    for (let i = 0; i < 3000; i++) seen[sampleGenotype(table, random)[0]]++;
    for (const count of seen) expect(Math.abs(count - 1000)).toBeLessThan(120);
  });

  it('mutate exactly one decision of a table, any of them', () => {
    const random = new Random(2);
    const children = new Set(Array.from({ length: 100 }, () => mutate(table, [1, 0, 0], random).join()));
    expect([...children].sort()).toEqual(['0,0,0', '1,1,0', '2,0,0']);
  });

  it('take each decision of a child from one of its parents', () => {
    const random = new Random(3);
    const children = new Set(Array.from({ length: 100 }, () => crossover(table, [0, 0, 0], [2, 1, 0], random).join()));
    expect([...children].sort()).toEqual(['0,0,0', '0,1,0', '2,0,0', '2,1,0']);
  });

  it('give layers that a mutation adds any kernel, not only the first', async () => {
    const space = await makeSpace({
      type: 'blocks',
      blocks: [{ filters: 8, depth: [1, 2], kernel: [3, 5, 7] }],
    });
    const random = new Random(4);
    const deeper = Array.from({ length: 200 }, () => mutate(space, [0, 1, 0], random)).filter(([depth]) => depth === 1);
    expect(new Set(deeper.map(([, , kernel]) => kernel))).toEqual(new Set([0, 1, 2]));
    expect(new Set(deeper.map(([, kernel]) => kernel))).toEqual(new Set([1]));
  });

  it('return the only network of a space that has no other', () => {
    const single = tableSpace('single', [{ name: 'a', choices: [1] }]);
    expect(mutate(single, [0], new Random(0))).toEqual([0]);
    expect(neighbours(single, [0])).toEqual([]);
  });

  it('count spaces without a count of their own by listing, and give an upper bound for large ones', () => {
    const decisions = Array.from({ length: 3 }, (_, i) => ({ name: `d${i}`, choices: [0, 1] }));
    const folded = {
      name: 'folded',
      decisions,
      canonical: (g: readonly number[]) => (g[0] === 0 ? g.map(() => 0) : g),
    };
    expect(spaceSize(folded)).toBe(5n);
    const wide = Array.from({ length: 20 }, (_, i) => ({ name: `d${i}`, choices: [0, 1] }));
    expect(spaceSize({ ...folded, decisions: wide })).toBe(2n ** 20n);
  });
});
