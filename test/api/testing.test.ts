import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { evaluatorChecks, spaceChecks, type Check, type EvaluatorModule } from '../../api/testing.js';
import { createSpace, spaceSchema, type Space } from '../../spaces/index.js';
import { fashion } from '../spaces/make.js';

const path = join(import.meta.dirname, '..', 'spaces', 'fixtures', 'space.mjs');
const [own, tiny] = await Promise.all([
  createSpace({ type: 'module', path }, fashion),
  createSpace(spaceSchema.parse({ type: 'mobilenet', preset: 'tiny' }), fashion),
]);

async function broken(checks: readonly Check[]): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of checks)
    await Promise.resolve()
      .then(run)
      .catch(() => names.push(name));
  return names;
}

describe.each([
  ['a module', own],
  ['mobilenet', tiny],
])('the published checks of the space %s', (_, space) => {
  for (const { name, run } of spaceChecks(space)) it(name, run);
});

const sum: EvaluatorModule = ({ genotype, seed }) => ({ error: genotype.reduce((a, b) => a + b, seed) });

describe('the published checks of an evaluation', () => {
  for (const { name, run } of evaluatorChecks(sum, tiny, ['error'])) it(name, run);
});

it('fail for a broken contract', async () => {
  const once: Space = { ...tiny, build: () => tiny.build(tiny.decisions.map(() => 0)) };
  expect(await broken(spaceChecks(once))).toEqual(['has one genotype for each network']);
  const shifted: Space = { ...tiny, canonical: (genotype) => tiny.canonical(genotype).with(0, 0) };
  const doubled: Space = { ...shifted, decisions: [...tiny.decisions.slice(0, -1), tiny.decisions[0]] };
  expect(await broken(spaceChecks(doubled))).toContain(
    'has decisions with different names, each with different choices',
  );
  let calls = 0;
  expect(await broken(evaluatorChecks(() => ({ error: calls++ }), tiny, ['error']))).toEqual([
    'gives the same for the same network and seed',
  ]);
  expect(await broken(evaluatorChecks(sum, tiny, ['loss']))).toEqual(['gives a finite number for each objective']);
});
