import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costs, enumerate, extremes, layersOf, products, spaceSize } from '../../spaces/index.js';
import { createStagedSpace } from '../../spaces/staged/space.js';
import { makeDivisible, type StageChoices, type StagedPlan } from '../../spaces/staged/layout.js';

const some = <T>(...choices: readonly T[]): fc.Arbitrary<T[]> =>
  fc.subarray([...choices], { minLength: 1, maxLength: 2 });
/** Nearly always one choice, so that spaces stay small. */
const mostlyOne = <T>(one: T, ...others: readonly T[]): fc.Arbitrary<readonly T[]> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<readonly T[]>([one]) }, { weight: 1, arbitrary: some(one, ...others) });

/** Stages chosen for coincidences: equal neighbours, stages that may be missing, widths and ratios that round alike. */
const stage: fc.Arbitrary<StageChoices> = fc.record({
  depth: some(0, 1, 2).filter((choices) => choices.some((depth) => depth > 0)),
  kind: mostlyOne('mbconv', 'fused_mbconv', 'separable', 'basic', 'conv', 'pooled', 'bottleneck'),
  filters: mostlyOne(8, 16),
  stride: mostlyOne(1, 2),
  act: mostlyOne('relu', 'swish'),
  kernel: mostlyOne(3, 5, 0),
  before: mostlyOne(0, 3),
  group_width: mostlyOne(0, 2, 8),
  expand: mostlyOne(1, 1.2, 2),
  se: mostlyOne(0, 0.25, 0.3),
});

const plan: fc.Arbitrary<StagedPlan> = fc
  .record({
    width: some(0.5, 0.55, 1),
    depth: mostlyOne(1, 1.5),
    resolution: mostlyOne(64, 65),
    divisor: fc.constantFrom(1, 8),
    squeezeOf: fc.constantFrom('expanded' as const, 'input' as const),
    share: fc.constantFrom('stage' as const, 'layer' as const),
    stages: fc.oneof(
      fc.array(stage, { minLength: 1, maxLength: 3 }),
      stage.map((one) => [one, one]),
    ),
    stem: fc.record({
      filters: mostlyOne(8, 16),
      kernel: fc.constant([3]),
      stride: fc.constant([1 as const]),
      act: mostlyOne('relu' as const, 'swish' as const),
    }),
    head: fc.record({
      filters: mostlyOne(0, 16),
      hidden: mostlyOne(0, 8),
      act: mostlyOne('relu' as const, 'swish' as const),
      dropout: fc.constant([0]),
    }),
  })
  .map(({ width, depth, resolution, ...rest }) => ({
    ...rest,
    name: 'random',
    style: {},
    detect: null,
    task: { input: [64, 64, 1], classes: 2 },
    base: { resolution: 64, width: 1, depth: 1 },
    scales: [
      { name: 'resolution', choices: resolution, apply: (scale, r) => ({ ...scale, resolution: r }) },
      { name: 'width', choices: width, apply: (scale, w) => ({ ...scale, width: w }) },
      { name: 'depth', choices: depth, apply: (scale, d) => ({ ...scale, depth: d }) },
    ],
    terms: { stage: 'stage', path: 'space.stages' },
  }));

const halving = stage.map((one): StageChoices => ({
  ...one,
  stride: [2],
  depth: one.depth.filter((depth) => depth > 0),
}));
const few = fc.array(stage, { maxLength: 1 });

/** Backbones whose map of stride 4 or 8 may lie within, behind or at the end of a stage that may be missing. */
const detectors: fc.Arbitrary<StagedPlan> = fc
  .record({
    common: plan,
    stages: fc.tuple(few, halving, few, halving, few, halving, few),
    deepest: some(4 as const, 8 as const),
    width: mostlyOne(8, 16),
  })
  .map(({ common, stages, deepest, width }) => ({
    ...common,
    stages: stages.flat(),
    head: { filters: [0], hidden: [0], act: ['relu'], dropout: [0] },
    detect: { stride: [4], deepest, width, depth: [0, 1], se: [0, 0.25] },
  }));

describe('spaces of stages', () => {
  it('count, list, bound and distinguish exactly their different networks, with any coincidences', () => {
    let coincidences = 0;
    fc.assert(
      fc.property(fc.oneof(plan, detectors), (random) => {
        const space = createStagedSpace(random);
        const combinations = space.decisions.reduce((product, { choices }) => product * choices.length, 1);
        fc.pre(combinations <= 600);
        const firsts = new Map<string, string>();
        for (const genotype of products(space.decisions.map(({ choices }) => choices.length))) {
          const architecture = JSON.stringify(layersOf(space.build(genotype)));
          const first = firsts.get(architecture) ?? genotype.join();
          firsts.set(architecture, first);
          expect(space.canonical(genotype).join()).toBe(first);
        }
        expect([...enumerate(space)].map((genotype) => genotype.join()).sort()).toEqual([...firsts.values()].sort());
        expect(spaceSize(space)).toBe(BigInt(firsts.size));
        if (firsts.size < combinations) coincidences++;
        if (random.detect !== null) return;
        // Leaving out a stride enlarges what follows: only then may the descent end beside the true extreme.
        if (random.stages.some((one) => one.depth.includes(0) && one.stride.includes(2))) return;
        const macs = [...enumerate(space)].map((genotype) => costs(space.build(genotype)).macs);
        const { smallest, largest } = extremes(space);
        expect([smallest.costs.macs, largest.costs.macs]).toEqual([Math.min(...macs), Math.max(...macs)]);
      }),
      { numRuns: 40 },
    );
    expect(coincidences).toBeGreaterThan(5);
  });
});

describe('makeDivisible', () => {
  it('rounds to the nearest multiple, never down by more than a tenth, and never to nothing', () => {
    expect([1, 8, 11, 12, 18, 36, 88].map((width) => makeDivisible(width, 8))).toEqual([8, 8, 16, 16, 24, 40, 88]);
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 4000, noNaN: true }),
        fc.integer({ min: 1, max: 16 }),
        (width, divisor) => {
          const rounded = makeDivisible(width, divisor);
          expect(rounded % divisor).toBe(0);
          expect(rounded).toBeGreaterThanOrEqual(Math.max(divisor, 0.9 * width));
          expect(rounded - width).toBeLessThanOrEqual(divisor);
        },
      ),
    );
  });
});
