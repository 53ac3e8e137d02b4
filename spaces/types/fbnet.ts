import { z } from 'zod';
import type { Decision, Genotype } from '../genotype.js';
import type { Block, Network } from '../network.js';
import type { Space, Task } from '../space.js';

/** FBNet's macro architecture as HW-NAS-Bench (Li et al. 2021) builds it for one size of image. */
interface Macro {
  readonly stemStride: 1 | 2;
  readonly strides: readonly (1 | 2)[];
  readonly head: number;
}

const macros = {
  cifar: { stemStride: 1, strides: [1, 1, 2, 2, 1, 2, 1], head: 1504 },
  imagenet: { stemStride: 2, strides: [1, 2, 2, 2, 1, 2, 1], head: 1984 },
} as const satisfies Record<string, Macro>;
type MacroName = keyof typeof macros;

/** Images of up to this many pixels a side use the CIFAR form by default. */
const largestCifar = 64;

/** `space: {type: fbnet}`: the layer-wise space of FBNet (Wu et al. 2019): 22 blocks, each one of nine candidates. */
export const fbnetSchema = z
  .strictObject({
    type: z.literal('fbnet'),
    preset: z
      .enum(Object.keys(macros) as [MacroName, ...MacroName[]])
      .optional()
      .describe(
        'macro architecture of HW-NAS-Bench for CIFAR or ImageNet; by default it is chosen by the size of the images',
      ),
  })
  .describe('22 blocks of nine candidates: FBNet (Wu et al. 2019) as in HW-NAS-Bench (Li et al. 2021)');
export type FbnetConfig = z.output<typeof fbnetSchema>;

/** The properties of a candidate block that do not depend on its position. */
interface Residual {
  readonly kernel: number;
  readonly expand: number;
  readonly groups: number;
}

const candidates = {
  k3_e1: { kernel: 3, expand: 1, groups: 1 },
  k3_e1_g2: { kernel: 3, expand: 1, groups: 2 },
  k3_e3: { kernel: 3, expand: 3, groups: 1 },
  k3_e6: { kernel: 3, expand: 6, groups: 1 },
  k5_e1: { kernel: 5, expand: 1, groups: 1 },
  k5_e1_g2: { kernel: 5, expand: 1, groups: 2 },
  k5_e3: { kernel: 5, expand: 3, groups: 1 },
  k5_e6: { kernel: 5, expand: 6, groups: 1 },
  skip: null,
} as const satisfies Record<string, Residual | null>;

const choices = Object.keys(candidates);
const bodies: readonly (Residual | null)[] = Object.values(candidates);
const skip = bodies.indexOf(null);

const stemFilters = 16;
const stages = [
  { filters: 16, depth: 1 },
  { filters: 24, depth: 4 },
  { filters: 32, depth: 4 },
  { filters: 64, depth: 4 },
  { filters: 112, depth: 4 },
  { filters: 184, depth: 4 },
  { filters: 352, depth: 1 },
] as const;

/** Position of one of the 22 blocks. */
interface Place {
  readonly stage: number;
  readonly filters: number;
  readonly stride: 1 | 2;
  /** Whether the block keeps the shape of its input: a skip is then the identity, otherwise a projection. */
  readonly keeps: boolean;
}

const placesOf = ({ strides }: Macro): readonly Place[] =>
  stages.flatMap(({ filters, depth }, stage) =>
    Array.from({ length: depth }, (_, i): Place => {
      const stride = i === 0 ? strides[stage] : 1;
      const before = stage === 0 ? stemFilters : stages[stage - 1].filters;
      return { stage, filters, stride, keeps: stride === 1 && (i > 0 || before === filters) };
    }),
  );

const decisions: readonly Decision[] = placesOf(macros.cifar).map((_, i) => ({ name: `b${i}`, choices }));

function blockAt({ filters, stride, keeps }: Place, choice: number): readonly Block[] {
  const body = bodies[choice];
  if (body !== null) return [{ kind: 'mbconv', filters, stride, act: 'relu', se: 0, ...body }];
  return keeps ? [] : [{ kind: 'conv', filters, kernel: 1, stride, act: 'relu' }];
}

const build = (macro: Macro, genotype: Genotype, { input, classes }: Task): Network => ({
  kind: 'network',
  input,
  classes,
  stem: { filters: stemFilters, kernel: 3, stride: macro.stemStride, act: 'relu' },
  blocks: placesOf(macro).flatMap((place, i) => blockAt(place, genotype[i])),
  head: { filters: macro.head, act: 'relu', dropout: 0 },
});

/** A shape-keeping block can swap with a skip; the canonical form moves the skips of a stage to its end. */
function canonical(places: readonly Place[], genotype: Genotype): Genotype {
  return stages.flatMap((_, stage) => {
    const own = places.flatMap((place, i) => (place.stage === stage ? [{ ...place, choice: genotype[i] }] : []));
    const isIdentity = ({ keeps, choice }: (typeof own)[number]): boolean => keeps && choice === skip;
    return [...own.filter((block) => !isIdentity(block)), ...own.filter(isIdentity)].map(({ choice }) => choice);
  });
}

/** The number of different networks: identities in a stage do not count, only the remaining sequence of blocks. */
function count(places: readonly Place[]): bigint {
  const all = BigInt(choices.length);
  return stages.reduce((total, _, stage) => {
    const own = places.filter((place) => place.stage === stage);
    const free = own.filter(({ keeps }) => keeps).length;
    const sequences = Array.from({ length: free + 1 }, (__, kept) => (all - 1n) ** BigInt(kept));
    return total * all ** BigInt(own.length - free) * sequences.reduce((a, b) => a + b);
  }, 1n);
}

/**
 * FBNet's space with the decisions of its published tables: `b0` to `b21` choose kernel (`k3`, `k5`), expansion (`e1`,
 * `e3`, `e6`) and groups of the 1x1 convolutions (`g2`) of each block, or `skip`: the identity where the shape is kept,
 * otherwise a 1x1 convolution. Identities build nothing, so their position within a stage does not matter.
 */
export function fbnetSpace({ preset }: FbnetConfig, task: Task): Space {
  const macro = macros[preset ?? (Math.max(task.input[0], task.input[1]) <= largestCifar ? 'cifar' : 'imagenet')];
  const places = placesOf(macro);
  return {
    name: 'fbnet',
    decisions,
    canonical: (genotype) => canonical(places, genotype),
    build: (genotype) => build(macro, genotype, task),
    count: () => count(places),
  };
}
