import { describe, expect, it } from 'vitest';
import { edgeGroups } from '../cases/edges.js';
import type { Case } from '../cases/case.js';
import {
  edgeNames,
  edges,
  edgesOf,
  isSum,
  sweep,
  withConstant,
  type Difference,
  type Edge,
  type Operands,
} from '../support/edges.js';
import { explanationOf, explanations, unexplained, type Explanation } from '../support/explained.js';
import { Sampler } from '../support/samples.js';

/** Each input of cases of several, as each number at the edge. */
function* constants(cases: readonly Case[], sums = false): Generator<readonly [Case, string, Edge, number]> {
  for (const each of cases) {
    const samples = each.inputs(new Sampler(each.name));
    const names = Object.keys(samples);
    if (names.length < 2 || each.kept !== undefined) continue;
    for (const name of names)
      for (const edge of edgesOf(edgeNames, sums || isSum(each, samples)))
        for (const value of edges[edge]) yield [each, name, edge, value];
  }
}

/** Whether an operand of every case is a constant, and not of every ninth one and of those that an explanation is for. */
const all = process.env['NAS_TEST_REPEAT'] !== undefined;

describe('compiled functions at the edge of float32', () => {
  const used = new Set<Explanation | undefined>();

  const explained = (found: readonly Difference[], alike?: Operands): string[] => {
    for (const difference of found) used.add(explanationOf(difference));
    return unexplained(found, alike);
  };

  for (const [title, { cases, blocked, sums }] of Object.entries(edgeGroups)) {
    const isSlow = title.startsWith('convolutions');
    const every = isSlow ? 30 : all ? 1 : 9;
    const seeds = isSlow ? [2] : [1, 2];

    it(`agree with TF.js at all edges: ${title}`, async () => {
      const left: string[] = [];
      for (const each of cases) left.push(...explained(await sweep(each, { edges: edgeNames, blocked, seeds, sums })));
      expect(left).toEqual([]);
    });

    it(`agree with TF.js where an operand is a constant: ${title}`, async () => {
      const left: string[] = [];
      for (const [each, name, edge, value] of constants(
        cases.filter(({ name }, i) => i % every === 0 || name.startsWith('div (floors)')),
        sums,
      )) {
        const options = { edges: ['large'], blocked: blocked.slice(-1), seeds: [1], sums } as const;
        const found = await sweep(withConstant(each, name, value), options);
        const renamed = found.map((one) => ({ ...one, edge, name: `${each.name}, ${name} = ${value}` }));
        left.push(...explained(renamed, 'large'));
      }
      expect(left).toEqual([]);
    });
  }

  it('need every explanation', () => {
    expect(explanations.filter((row) => !used.has(row)).map(({ reason }) => reason)).toEqual([]);
  });
});
