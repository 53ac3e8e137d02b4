import { Random } from '../../../base/random.js';
import type { Values } from '../../../search/index.js';
import { genotypeId, sampleGenotype, type Genotype } from '../../../spaces/index.js';
import { accuracy, table } from '../support.js';

/** A normal number of each network. */
export const normalOf =
  (name: string) =>
  (genotype: Genotype): number =>
    new Random(1, name, genotypeId(genotype)).normal();

/** Affects the accuracy besides the decisions. */
const hidden = normalOf('hidden');

export type Features = (genotype: Genotype) => Values;
export const informative: Features = (genotype) => ({ proxy: 300 + 20 * hidden(genotype) });

export const valueOf = (genotype: Genotype): number => accuracy(genotype) + 0.1 * hidden(genotype);

export const draw = (count: number, random: Random): Genotype[] =>
  Array.from({ length: count }, () => sampleGenotype(table, random));
