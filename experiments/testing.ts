// Contract checks for users' own tests, with any test runner: `for (const { name, run } of checks) it(name, run)`.
import { tmpdir } from 'node:os';
import { canonicalJson } from '../base/hash.js';
import { Random } from '../base/random.js';
import { promise, same, type Check } from '../search/testing.js';
import { choicesOf, costs, genotypeId, sampleGenotype, type Space } from '../spaces/index.js';
import type { EvaluationSubject, EvaluatorModule } from './schema/search-settings.js';

/** Number of random networks that are checked. */
const samples = 20;

const drawn = (space: Space) => {
  const random = new Random(1, 'checks');
  return Array.from({ length: samples }, () => sampleGenotype(space, random));
};

/** Contract of a space, on some random networks of it. */
export const spaceChecks = (space: Space): readonly Check[] => [
  {
    name: 'has decisions with different names, each with different choices',
    run: () => {
      const { decisions } = space;
      same(new Set(decisions.map(({ name }) => name)).size, decisions.length, 'different names of decisions');
      for (const { name, choices } of decisions)
        same(new Set(choices).size, choices.length, `different choices of ${name}`);
    },
  },
  {
    name: 'has canonical genotypes that stay as they are',
    run: () => {
      for (const genotype of drawn(space)) same(space.canonical(genotype), genotype, 'the canonical genotype');
    },
  },
  {
    name: 'builds the same network for the same genotype, with something to compute',
    run: () => {
      for (const genotype of drawn(space)) {
        const network = space.build(genotype);
        promise(
          canonicalJson(space.build(genotype)) === canonicalJson(network),
          () => `${genotypeId(genotype)} is built differently each time`,
        );
        promise(costs(network).macs > 0, () => `the network of ${genotypeId(genotype)} computes nothing`);
      }
    },
  },
  {
    name: 'has one genotype for each network',
    run: () => {
      const byNetwork = new Map<string, string>();
      for (const genotype of drawn(space)) {
        const [network, id] = [canonicalJson(space.build(genotype)), genotypeId(genotype)];
        const other = byNetwork.get(network) ?? id;
        promise(other === id, () => `${id} and ${other} are the same network: canonical() has to say so`);
        byNetwork.set(network, id);
      }
    },
  },
];

/**
 * Contract of an evaluation function, on some networks of a space.
 * @param names objectives whose values it returns
 * @param epochs that it is asked for; default 1
 */
export function evaluatorChecks(
  evaluate: EvaluatorModule,
  space: Space,
  names: readonly string[],
  epochs = 1,
): readonly Check[] {
  const subjects = drawn(space)
    .slice(0, 2)
    .map((genotype, seed): EvaluationSubject => ({
      choices: choicesOf(space.decisions, genotype),
      genotype,
      network: space.build(genotype),
      seed,
    }));
  const pause = (): Promise<void> => Promise.resolve();
  const ask = async (subject: EvaluationSubject) => {
    const values = await evaluate(subject, { signal: new AbortController().signal, pause, epochs, folder: tmpdir() });
    return names.map((name) => values[name]);
  };
  return [
    {
      name: 'gives a finite number for each objective',
      run: async () => {
        for (const subject of subjects)
          for (const [i, value] of (await ask(subject)).entries())
            promise(Number.isFinite(value), () => `${names[i]} is ${String(value)}`);
      },
    },
    {
      name: 'gives the same for the same network and seed',
      run: async () => {
        for (const subject of subjects) same(await ask(subject), await ask(subject), 'asked again');
      },
    },
  ];
}
