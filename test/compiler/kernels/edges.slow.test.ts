import { describe, expect, it } from 'vitest';
import { edgeGroups } from '../cases/edges.js';
import { edgeNames, edges, sweep, withConstant } from '../support/edges.js';
import { explanationOf, explanations, unexplained, type Explanation } from '../support/explained.js';
import { Sampler } from '../support/samples.js';

describe('compiled functions at the edge of float32', () => {
  const used = new Set<Explanation | undefined>();

  for (const [title, { cases, blocked, sums }] of Object.entries(edgeGroups)) {
    it(`agree with TF.js at all edges: ${title}`, async () => {
      for (const each of cases) {
        const found = await sweep(each, { edges: edgeNames, blocked, seeds: [1, 2], sums });
        for (const difference of found) used.add(explanationOf(difference));
        expect(unexplained(found)).toEqual([]);
      }
    });

    it(`agree with TF.js where an operand is a constant: ${title}`, async () => {
      for (const each of title.startsWith('convolutions') ? cases.filter((_, i) => i % 10 === 0) : cases) {
        const names = Object.keys(each.inputs(new Sampler(each.name)));
        for (const name of names.length > 1 && each.kept === undefined ? names : [])
          for (const edge of edgeNames)
            for (const value of edges[edge]) {
              const options = { edges: ['large'], blocked: blocked.slice(-1), seeds: [1], sums } as const;
              const found = await sweep(withConstant(each, name, value), options);
              const constant = found.map((difference) => ({
                ...difference,
                edge,
                name: `${each.name}, ${name} = ${value}`,
              }));
              expect(unexplained(constant, 'large')).toEqual([]);
            }
      }
    });
  }

  it('need every explanation', () => {
    expect(explanations.filter((row) => !used.has(row)).map(({ reason }) => reason)).toEqual([]);
  });
});
