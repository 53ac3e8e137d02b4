import fc from 'fast-check';
import { activations, cellOps, gates, paddings, type Block, type Network, type Style } from '../../spaces/index.js';

const act = fc.constantFrom(...activations);
const kernel = fc.constantFrom(1, 3, 5);
const stride = fc.constantFrom(1 as const, 2 as const);
const width = fc.integer({ min: 1, max: 6 });
const conv = { filters: width, kernel, stride, act };
const expand = fc.constantFrom(1, 1.5, 2);
const se = fc.constantFrom(0, 0.25, 0.5);

const block: fc.Arbitrary<Block> = fc.oneof(
  fc.record({ kind: fc.constant('mbconv' as const), ...conv, expand, se }),
  fc.record({
    ...{ kind: fc.constant('mbconv' as const), ...conv, kernel: fc.constantFrom(0, 3), before: kernel },
    ...{ expand, se },
  }),
  fc.record({
    ...{ kind: fc.constant('mbconv' as const), ...conv, stride: fc.constant(1 as const) },
    ...{ kernel: fc.constant(0), expand, se },
  }),
  fc.record({ kind: fc.constant('fused_mbconv' as const), ...conv, expand, se }),
  fc.record({ kind: fc.constant('separable' as const), ...conv, se }),
  fc.record({ kind: fc.constant('basic' as const), ...conv }),
  fc.record({ kind: fc.constant('conv' as const), ...conv }),
  fc.record({ kind: fc.constant('pooled' as const), ...conv }),
  fc.record({ kind: fc.constant('bottleneck' as const), ...conv, hidden: width }),
  fc.record({ kind: fc.constant('reduction' as const), filters: width }),
  fc.record({
    kind: fc.constant('cell' as const),
    cell: fc.array(fc.constantFrom(...cellOps), { minLength: 6, maxLength: 6 }),
  }),
);

/** Blocks with grouped convolutions, whose widths are multiples of the groups. */
const groupedBlock: fc.Arbitrary<Block> = fc.record({
  kind: fc.constant('mbconv' as const),
  ...conv,
  filters: fc.constantFrom(4, 6),
  expand: fc.constantFrom(1, 2),
  se,
  groups: fc.constantFrom(1, 2),
});
const groupedFused: fc.Arbitrary<Block> = fc.record({
  ...{ kind: fc.constant('fused_mbconv' as const), ...conv, filters: fc.constantFrom(4, 6) },
  ...{ expand: fc.constantFrom(1, 2), se, groups: fc.constant(2) },
});

const style: fc.Arbitrary<Partial<Style>> = fc.record(
  {
    epsilon: fc.constantFrom(1e-5, 0.01),
    momentum: fc.constant(0.99),
    padding: fc.constantFrom(...paddings),
    squeeze: act,
    gate: fc.constantFrom(...gates),
  },
  { requiredKeys: [] },
);

const networksOf = (stemFilters: fc.Arbitrary<number>, blocks: fc.Arbitrary<Block[]>): fc.Arbitrary<Network> =>
  fc.record(
    {
      kind: fc.constant('network' as const),
      input: fc.tuple(fc.integer({ min: 3, max: 9 }), fc.integer({ min: 3, max: 9 }), fc.integer({ min: 1, max: 3 })),
      classes: fc.integer({ min: 2, max: 5 }),
      stem: fc.record({ ...conv, filters: stemFilters, act: fc.option(act) }),
      blocks,
      head: fc.record(
        {
          filters: fc.integer({ min: 0, max: 6 }),
          act,
          norm: fc.constant(true as const),
          hidden: width,
          dropout: fc.constantFrom(0, 0.5),
        },
        { requiredKeys: ['filters', 'act', 'dropout'] },
      ),
      style,
    },
    { requiredKeys: ['kind', 'input', 'classes', 'stem', 'blocks', 'head'] },
  );

/** Any small network, of all kinds of blocks and odd sizes. */
export const smallNetworks: fc.Arbitrary<Network> = fc.oneof(
  { weight: 3, arbitrary: networksOf(width, fc.array(block, { maxLength: 3 })) },
  {
    weight: 1,
    arbitrary: networksOf(
      fc.constant(4),
      fc.array(fc.oneof(groupedBlock, groupedFused), { minLength: 1, maxLength: 2 }),
    ),
  },
);

/** One block of each kind with everything switched on; small enough to check by hand. */
export const handNetwork: Network = {
  kind: 'network',
  input: [5, 5, 2],
  classes: 3,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 4, kernel: 5, stride: 1, act: 'relu', expand: 2, se: 0.25 },
    { kind: 'fused_mbconv', filters: 6, kernel: 3, stride: 1, act: 'swish', expand: 1.5, se: 0 },
    { kind: 'basic', filters: 6, kernel: 3, stride: 2, act: 'relu6' },
  ],
  head: { filters: 8, act: 'relu', hidden: 7, dropout: 0.5 },
};
