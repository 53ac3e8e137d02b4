import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nativeLibrary } from '../../../compiler/native/library.js';
import type { NativeNetwork } from '../../../compiler/native/passes.js';
import { Random } from '../../../base/random.js';
import {
  memberOf,
  presetNetworks,
  sampleGenotype,
  sharedName,
  type Block,
  type Cell,
  type Network,
} from '../../../spaces/index.js';
import { drawWeights, sharedSpecs, slicedTo, weightSpecs, type WeightValue } from '../../../spaces/models/index.js';
import { arraysOf, placesOf, planNetwork } from '../../../trainers/native/index.js';
import { smallNetworks } from '../../spaces/networks.js';
import { tinyDetector } from '../../support/tiny-detector.js';
import { makeSpace, tinySpace } from '../supernet/spaces.js';
import { distance, eagerly, inputFor, natively, type Input, type Outcome } from './run.js';

const found = nativeLibrary();

const batch = 3;
const chunks = 2;

/** The plan of a network; null: the native engine does not train it. */
function planned(network: Network, frozenNorms = false): NativeNetwork | null {
  const plan = planNetwork(network, { batch, chunks, frozenNorms });
  return 'unsupported' in plan ? null : plan;
}

const inputOf = (network: Network, plan: NativeNetwork): Input =>
  inputFor(network, batch, plan.features.floats / batch, 1);

const norm = (values: Iterable<Float32Array>): number => {
  let sum = 0;
  for (const array of values) for (const value of array) sum += value ** 2;
  return Math.sqrt(sum);
};

/** How far each result is from what it should be. Gradients far below the others hold rounding only. */
function distances(actual: Outcome, expected: Outcome): Map<string, number> {
  const least = 0.02 * norm(expected.gradients.values()) + 1e-6;
  const all = new Map([
    ['features', distance(actual.features, expected.features, 1e-3)],
    ['inference', distance(actual.inference, expected.inference, 1e-3)],
  ]);
  for (const [name, value] of expected.statistics) all.set(name, distance(actual.statistics.get(name) ?? [], value));
  for (const [name, value] of expected.gradients)
    all.set(name, distance(actual.gradients.get(name) ?? [], value, least));
  return all;
}

/**
 * Expects of the native library the features, gradients and statistics of TF.js. They may be farther apart than 1e-4 where rounding
 * explains it: where images that differ in the last digits change less than ten times less.
 */
async function expectLikeTfjs(network: Network, frozenNorms = false) {
  const plan = planned(network, frozenNorms) ?? expect.fail('the network has no native plan');
  const input = inputOf(network, plan);
  const actual = await natively(plan, input, { chunks });
  const expected = await eagerly(network, input, frozenNorms);
  const far = [...distances(actual, expected)].filter(([, by]) => !(by <= 1e-4));
  if (far.length > 0) {
    const near = { ...input, images: input.images.map((value) => value * (1 + 1e-6)) };
    const noise = distances(await eagerly(network, near, frozenNorms), expected);
    expect(far.filter(([name, by]) => !(by <= 10 * (noise.get(name) ?? 0)))).toEqual([]);
  }
  return { plan, input, actual };
}

describe.skipIf('reason' in found)('networks by the native library', () => {
  test.each([
    ['small networks', smallNetworks, false],
    ['small networks with frozen norms', smallNetworks, true],
  ])('features, gradients and statistics of %s are those of TF.js', async (_, networks, frozenNorms) => {
    let count = 0;
    const property = fc.asyncProperty(networks, async (network) => {
      fc.pre(planned(network, frozenNorms) !== null);
      await expectLikeTfjs(network, frozenNorms);
      count++;
    });
    await fc.assert(property, { numRuns: 8 });
    expect(count).toBe(8);
  });

  test('channels that fill several blocks, planes of transformed tiles, wide and narrow expansions', async () => {
    const act = 'swish';
    const basic = (filters: number, stride: 1 | 2): Block => ({ kind: 'basic', filters, kernel: 3, stride, act });
    const pooled = (filters: number, stride: 1 | 2): Block => ({ kind: 'pooled', filters, kernel: 3, stride, act });
    const mbconv = (filters: number, expand: number, kernel: number, stride: 1 | 2, se = 0): Block => ({
      ...{ kind: 'mbconv', filters, expand, kernel, stride, se, act },
    });
    const network = (blocks: readonly Block[], filters: number, input: Network['input'] = [8, 7, 3]): Network => ({
      ...{ kind: 'network', input, classes: 3, blocks },
      stem: { filters: 18, kernel: 3, stride: 1, act },
      head: { filters, act, dropout: 0 },
    });
    for (const each of [
      network([basic(18, 1), basic(33, 2)], 0),
      network([pooled(18, 2), pooled(33, 1), pooled(20, 2)], 0),
      network([mbconv(17, 1, 3, 1), mbconv(20, 4, 3, 2, 0.25), mbconv(20, 6, 5, 1, 0.25), mbconv(40, 1.5, 5, 2)], 70),
      network([mbconv(24, 3, 3, 1), mbconv(24, 2, 7, 1, 0.5), mbconv(24, 6, 3, 1)], 0, [7, 7, 1]),
    ]) {
      await expectLikeTfjs(each);
    }
  });

  test('bottlenecks behind a max pool with half its side around the map', async () => {
    const act = 'relu';
    const block = { kind: 'bottleneck', kernel: 3, act } as const;
    const network: Network = {
      ...{ kind: 'network', input: [18, 15, 3], classes: 3, style: { padding: 'symmetric', epsilon: 1e-5 } },
      stem: { filters: 18, kernel: 7, stride: 2, act, pool: 3 },
      blocks: [
        { ...block, filters: 36, stride: 1, hidden: 9 },
        { ...block, filters: 36, stride: 1, hidden: 9, middle: 17 },
        { ...block, filters: 40, stride: 2, hidden: 10 },
      ],
      head: { filters: 0, act, dropout: 0 },
    };
    await expectLikeTfjs(network);
  });

  test('detectors and segmenters: maps of twice the size, of odd sides too, sums, gates, and a map at the end', async () => {
    for (const [head, input] of [
      [{}, [11, 9, 2]],
      [{ width: 19, depth: 0 }, [16, 24, 3]],
      [{ deepest: 4, depth: 2 }, [9, 8, 1]],
      [{ stride: 8, width: 33 }, [17, 16, 3]],
      [{ segmentation: true, width: 12, se: 0.5 }, [16, 16, 3]],
      [{ segmentation: true, stride: 8, width: 9, depth: 0, se: 0.3 }, [19, 14, 3]],
    ] as const) {
      await expectLikeTfjs(tinyDetector(head, input));
    }
  });

  test('a network of pools behind filters of 2 x 2 pixels', async () => {
    const network = presetNetworks.pooled({ input: [9, 10, 3], classes: 3 }, 0.25);
    await expectLikeTfjs(network);
  });

  test('groups that are narrower and wider than blocks of channels, average pools, cells of zeros', async () => {
    const act = 'swish';
    const fused = (filters: number, stride: 1 | 2, groups: number): Block => ({
      ...{ kind: 'fused_mbconv', filters, kernel: 3, stride, act, expand: 2, se: 0.25, groups },
    });
    const cell = (...ops: Cell): Block => ({ kind: 'cell', cell: ops });
    const [skip, one, pool, none] = ['skip_connect', 'nor_conv_1x1', 'avg_pool_3x3', 'none'] as const;
    const network = (filters: number, blocks: readonly Block[]): Network => ({
      ...{ kind: 'network', input: [5, 4, 3], classes: 3, blocks },
      stem: { filters, kernel: 3, stride: 1, act },
      head: { filters: 0, act, norm: true, dropout: 0 },
    });
    for (const each of [
      network(24, [fused(24, 1, 6), fused(40, 2, 3)]),
      network(40, [fused(48, 1, 2), fused(16, 2, 4)]),
      network(20, [
        cell(pool, skip, pool, pool, one, pool),
        { kind: 'reduction', filters: 18 },
        cell(pool, none, pool, none, none, pool),
      ]),
      network(5, [cell(one, none, none, none, none, none), { kind: 'reduction', filters: 6 }]),
    ]) {
      await expectLikeTfjs(each);
    }
  });

  test('results do not depend on the number of threads', async () => {
    const networks = fc.sample(smallNetworks, { numRuns: 8, seed: 3 });
    for (const network of networks) {
      const plan = planned(network);
      if (plan === null) continue;
      const input = inputOf(network, plan);
      const one = await natively(plan, input, { chunks });
      expect(await natively(plan, input, { chunks, threads: 3 })).toEqual(one);
    }
  });

  test('weights that are not trained get no gradients, and the others the same ones', async () => {
    const network: Network = {
      kind: 'network',
      input: [9, 9, 3],
      classes: 4,
      stem: { filters: 6, kernel: 3, stride: 1, act: 'swish' },
      blocks: [
        { kind: 'mbconv', filters: 6, kernel: 3, stride: 1, act: 'swish', expand: 3, se: 0.5 },
        { kind: 'basic', filters: 8, kernel: 3, stride: 2, act: 'swish' },
        { kind: 'mbconv', filters: 8, kernel: 5, stride: 1, act: 'swish', expand: 2, se: 0 },
      ],
      head: { filters: 12, act: 'swish', dropout: 0 },
    };
    const { plan, input, actual: whole } = await expectLikeTfjs(network);
    const names = [...plan.gradients.keys()];
    for (const isFrozen of [
      (name: string) => name === 'stem/kernel',
      (name: string) => /^(stem|block1|block2_conv1)/.test(name),
      (name: string) => /kernel$/.test(name),
      (name: string) => /gamma$|beta$/.test(name),
      (name: string) => /^block[12]/.test(name),
    ]) {
      const frozen = new Set(names.filter(isFrozen));
      const part = planNetwork(network, { batch, chunks, frozen });
      if ('unsupported' in part) throw new Error(part.unsupported);
      const { gradients } = await natively(part, input, { chunks });
      expect([...gradients.keys()]).toEqual(names.filter((name) => !frozen.has(name)));
      for (const [name, value] of gradients)
        if (!name.startsWith('logits'))
          expect(distance(value, whole.gradients.get(name) ?? [], 1e-6)).toBeLessThan(1e-5);
    }
  });

  test('members of a supernet read parts of shared weights, and give gradients to these parts only', async () => {
    const space = await makeSpace(tinySpace);
    const specs = sharedSpecs(space);
    const arrays = arraysOf(specs, () => true);
    const shared = drawWeights(
      specs.map((spec) => ({ ...spec, std: 0.4 })),
      1,
    );
    let count = 0;
    const random = new Random(2);
    for (let i = 0; i < 6; i++) {
      const member = memberOf(space, sampleGenotype(space, random));
      const { network } = member;
      const nameOf = (name: string): string => sharedName(member, name);
      const plan = planNetwork(network, { batch, chunks, places: placesOf(network, specs, arrays, nameOf) });
      if ('unsupported' in plan) continue;
      expect(plan.passes.inference).toEqual([]);
      const drawn = inputOf(network, plan);
      const shapes = new Map(weightSpecs(network).map(({ name, shape }) => [name, shape]));
      const part = (name: string, { shape, data }: WeightValue): WeightValue =>
        slicedTo({ shape, data }, shapes.get(name) ?? []);
      const weights = new Map(
        [...drawn.weights].map(([name, value]) => {
          const whole = shared.get(nameOf(name));
          return [name, whole === undefined ? value : part(name, whole)];
        }),
      );
      const actual = await natively(plan, { ...drawn, weights: shared }, { chunks, arrays });
      const expected = await eagerly(network, { ...drawn, weights });
      const least = 0.02 * norm(expected.gradients.values());
      expect(distance(actual.features, expected.features)).toBeLessThan(1e-4);
      const seen = new Set<string>();
      for (const [name, value] of expected.gradients) {
        const data = actual.gradients.get(nameOf(name)) ?? new Float32Array();
        const shape = shared.get(nameOf(name))?.shape ?? [];
        const own = part(name, { shape, data }).data;
        expect([name, distance(own, value, least) < 1e-3]).toEqual([name, true]);
        expect(norm([data])).toBeCloseTo(norm([own]), 4);
        seen.add(nameOf(name));
      }
      for (const [name, value] of actual.gradients) if (!seen.has(name)) expect(norm([value])).toBe(0);
      count++;
    }
    expect(count).toBeGreaterThan(3);
  });
});

test.runIf('reason' in found)('there is no native library here', () => {
  console.warn(`no test of the native library: ${'reason' in found ? found.reason : ''}`);
});
