import { describe, expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import {
  fitLatencyModel,
  latencyModelFrom,
  selectCalibration,
  validate,
  validateModel,
} from '../../../latency-models/index.js';
import { totalsOf } from '../../../latency-models/predictors/columns.js';
import { Catalogue } from '../../../latency-models/predictors/features.js';
import { costs, genotypeId, resnetReference, sampleGenotype, type Network } from '../../../spaces/index.js';
import { describeLatencyModel, fashionSpace, observe, syntheticLatency } from '../contract.js';

describeLatencyModel({ name: 'of linear costs', fit: fitLatencyModel });

const tiny: Network = {
  kind: 'network',
  input: [8, 8, 1],
  classes: 2,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [{ kind: 'mbconv', filters: 4, expand: 2, kernel: 5, stride: 1, se: 0.25, act: 'relu' }],
  head: { filters: 8, act: 'swish', dropout: 0.1 },
};

describe('features', () => {
  it('are the totals of the executed graph', () => {
    const catalogue = new Catalogue();
    const profile = catalogue.profile(tiny);
    expect(Object.fromEntries(totalsOf(catalogue, profile, 150))).toEqual({
      constant: 1,
      // Stem, expand, depthwise, squeeze pool, two dense, gate, scale, project, add, head, pool, logits; two activations.
      kernels: 15,
      conv3_macs: 9 * 1 * 4 * 16,
      pointwise_macs: 16 * (4 * 8 + 8 * 4 + 4 * 8),
      conv_traffic: 64 + 64 + 16 * (4 + 8 + 8 + 4 + 4 + 8),
      heavy_conv_traffic: 3 * (16 * (4 + 8) - 150),
      // All outputs are filled up to 16 channels: two have 4, two have 8.
      channel_padding: 3 * (9 * 4 * 16 + 16 * 8 * 4) + 16 * (4 * 8 + 4 * 8),
      narrow_traffic: 16 * 8,
      depthwise5_macs: 25 * 8 * 16,
      depthwise_traffic: 2 * 8 * 16,
      heavy_depthwise_traffic: 2 * 8 * 16 - 150,
      dense_macs: 2 * 8 * 2 + 8 * 2,
      hard_swish_values: 64,
      swish_values: 16 * 8,
      hard_sigmoid_values: 8,
      pooled_values: 2 * 8 * 16,
      scaled_values: 8 * 16,
      added_values: 4 * 16,
      elementwise_traffic: 2 * (64 + 16 * 8 + 8) + 2 * (8 * 16 + 8) + 2 * 8 * 16 + 2 * 4 * 16,
      params: 9 * 4 + 4 * 8 + 25 * 8 + (8 * 2 + 2) + (2 * 8 + 8) + 8 * 4 + 4 * 8 + (8 * 2 + 2),
    });
  });

  it('include the rows that strided depthwise convolutions read', () => {
    const catalogue = new Catalogue();
    const strided = { ...tiny, blocks: tiny.blocks.map((block) => ({ ...block, stride: 2 }) as const) };
    const totals = totalsOf(catalogue, catalogue.profile(strided), Infinity);
    expect(totals.get('strided_depthwise_rows')).toBe(5 * 8 * 4);
    expect(totals.get('depthwise5_macs')).toBe(25 * 8 * 4);
    expect(totals.get('depthwise_traffic')).toBe(8 * (16 + 4));
  });

  it('include unfilled channel blocks and narrow inputs', () => {
    const ofWidths = (first: number, second: number): readonly (number | undefined)[] => {
      const catalogue = new Catalogue();
      const blocks = [first, second].map(
        (filters) => ({ kind: 'conv', filters, kernel: 1, stride: 1, act: 'relu' }) as const,
      );
      const network: Network = {
        ...tiny,
        stem: { ...tiny.stem, filters: 16 },
        blocks,
        head: { ...tiny.head, filters: 0 },
      };
      const totals = totalsOf(catalogue, catalogue.profile(network), Infinity);
      return [totals.get('channel_padding'), totals.get('narrow_traffic')];
    };
    expect(ofWidths(32, 16)).toEqual([undefined, undefined]);
    expect(ofWidths(24, 16)).toEqual([16 * 16 * 8, undefined]);
    expect(ofWidths(12, 16)).toEqual([16 * 16 * 4, 16 * 12]);
  });

  it('include all multiply-accumulates', async () => {
    const space = await fashionSpace();
    const random = new Random(1);
    for (let i = 0; i < 20; i++) {
      const network = space.build(sampleGenotype(space, random));
      const catalogue = new Catalogue();
      const totals = totalsOf(catalogue, catalogue.profile(network), Infinity);
      const macs = [...totals].filter(([column]) => column.endsWith('_macs'));
      expect(macs.reduce((total, [, amount]) => total + amount, 0)).toBe(costs(network).macs);
    }
  });
});

describe('a latency model', () => {
  it('is more accurate with ten chosen measurements than with random ones', async () => {
    const space = await fashionSpace();
    const test = observe(space, 100, new Random(9));
    const errorOf = (networks: readonly Network[]): number =>
      validateModel(fitLatencyModel(networks.map((network) => ({ network, ms: syntheticLatency(network) }))), test)
        .mape;
    const chosen = selectCalibration(space, 10, new Random(1)).map((genotype) => space.build(genotype));
    const byChance = Array.from({ length: 3 }, (_, seed) =>
      errorOf(observe(space, 10, new Random(seed, 'chance')).map(({ network }) => network)),
    );
    expect(errorOf(chosen)).toBeLessThan(8);
    expect(errorOf(chosen)).toBeLessThan(byChance.reduce((a, b) => a + b, 0) / byChance.length);
  });

  it('drops a failed measurement', async () => {
    const space = await fashionSpace();
    const good = observe(space, 20, new Random(10));
    const bad = { ...good[0], ms: 20 * good[0].ms };
    const test = observe(space, 50, new Random(11));
    expect(validateModel(fitLatencyModel([...good, bad]), test).mape).toBeLessThan(8);
  });

  it('grows with the network', async () => {
    const space = await fashionSpace();
    const model = fitLatencyModel(observe(space, 15, new Random(12)));
    const small = space.build(space.decisions.map(() => 0));
    const large: Network = {
      ...small,
      blocks: [...small.blocks, { kind: 'mbconv', filters: 24, kernel: 3, stride: 1, act: 'relu', expand: 3, se: 0 }],
    };
    expect(model.predict(large).ms).toBeGreaterThan(model.predict(small).ms);
  });

  it('charges the mean cost for unknown work', async () => {
    const space = await fashionSpace();
    const observations = observe(space, 20, new Random(13));
    const model = fitLatencyModel(observations);
    const resnet = resnetReference({ input: [28, 28, 1], classes: 10 }, 0.25);
    const factor = { ...resnet, stem: { ...resnet.stem, kernel: 5 } };
    const { ms, coverage, std } = model.predict(factor);
    expect(coverage).toBeLessThan(1);
    expect(std).toBeGreaterThanOrEqual(ms * (1 - coverage) * 0.999);
  });

  it('rejects invalid latencies', async () => {
    const space = await fashionSpace();
    const [{ network }] = observe(space, 1, new Random(14));
    expect(() => fitLatencyModel([])).toThrow(RangeError);
    expect(() => fitLatencyModel([{ network, ms: 0 }])).toThrow('not to 0');
    expect(() => fitLatencyModel([{ network, ms: NaN }])).toThrow('not to NaN');
  });

  it('reports the error of an invalid stored model', () => {
    expect(() => latencyModelFrom({ version: 3, kind: 'additive' })).toThrow(/not a stored latency model/);
    expect(() => latencyModelFrom({ version: 4, ms_per_unit: { constant: -1 } })).toThrow(/ms_per_unit\.constant/);
  });
});

describe('validate', () => {
  it('compares pairs', () => {
    const pairs = [
      { predicted: 1.04, measured: 1 },
      { predicted: 2.16, measured: 2 },
      { predicted: 3, measured: 4 },
    ];
    const result = validate(pairs);
    expect(result).toMatchObject({ count: 3, spearman: 1, kendall: 1, within5: 1 / 3, within10: 2 / 3 });
    expect(result.mape).toBeCloseTo((4 + 8 + 25) / 3, 9);
  });
});

describe('selectCalibration', () => {
  it('returns distinct canonical genotypes, reproducible by seed', async () => {
    const space = await fashionSpace();
    const chosen = selectCalibration(space, 12, new Random(1));
    expect(chosen).toHaveLength(12);
    expect(new Set(chosen.map(genotypeId)).size).toBe(12);
    for (const genotype of chosen) expect(space.canonical(genotype)).toEqual(genotype);
    expect(selectCalibration(space, 12, new Random(1))).toEqual(chosen);
  });

  it('returns all networks of a smaller space', async () => {
    const space = await fashionSpace();
    const decisions = space.decisions.map((decision, i) =>
      i === 0 ? decision : { ...decision, choices: decision.choices.slice(0, 1) },
    );
    const chosen = selectCalibration({ ...space, decisions }, 12, new Random(1));
    expect(chosen).toHaveLength(decisions[0].choices.length);
  });
});
