import { describe, expect, it } from 'vitest';
import { mean } from '../../../base/statistics.js';
import { Random } from '../../../base/random.js';
import {
  fitLatencyModel,
  adaptModel,
  validateModel,
  type LayerTime,
  type Observation,
} from '../../../latency-models/index.js';
import { Catalogue } from '../../../latency-models/predictors/features.js';
import { timedKernels } from '../../../latency-models/predictors/fit-data.js';
import type { Network } from '../../../spaces/index.js';
import { fashionSpace, observe, syntheticLayers } from '../contract.js';

const time = (layer: string, ms: number, nodes = 1): LayerTime => ({ layer, operators: [], nodes, ms, share: 0 });

/** As a profiler reports it: with an overhead of 2 us per node, and noise. */
function profiled(observation: Observation, random: Random): Observation {
  const layers = syntheticLayers(observation.network)
    .filter(({ ms }) => ms > 0)
    .map(({ layer, ms }) => time(layer, ms + 2e-3 + 2e-4 * random.normal()));
  return { ...observation, layers };
}

/** Mean error of models fitted to a few networks with and without the times of their layers, over some draws. */
async function errors(
  count: number,
  timed: (observation: Observation, random: Random) => Observation,
  seeds: readonly number[],
) {
  const space = await fashionSpace();
  const test = observe(space, 60, new Random(100));
  const errorOf = (observations: readonly Observation[]): number =>
    validateModel(fitLatencyModel(observations), test).mape;
  const draws = seeds.map((seed) => {
    const random = new Random(seed);
    const networks = observe(space, count, random);
    const withTimes = networks.map((observation) => timed(observation, random));
    return { without: errorOf(networks), withTimes: errorOf(withTimes) };
  });
  return { without: mean(draws.map((draw) => draw.without)), withTimes: mean(draws.map((draw) => draw.withTimes)) };
}

describe('timed kernels', () => {
  const network: Network = {
    kind: 'network',
    input: [8, 8, 1],
    classes: 2,
    stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
    blocks: [{ kind: 'mbconv', filters: 4, expand: 2, kernel: 5, stride: 1, se: 0, act: 'relu' }],
    head: { filters: 0, act: 'swish', dropout: 0 },
  };
  const keysOf = (observations: readonly Observation[]) => {
    const catalogue = new Catalogue();
    return timedKernels(catalogue, observations).map(({ profile, ms, nodes }) => ({
      layers: profile.layers.map((i) => catalogue.layers[i].key.split(' ')[0]),
      ms,
      nodes,
    }));
  };

  it('are layers with the layers fused into them, under any of their names', () => {
    const layers = [
      time('stem', 0.009, 2),
      time('block1_expand_act', 0.006),
      time('block1_depthwise_bn', 0.005),
      time('block1_project', 0.004),
      time('head_pool', 0.003),
      time('logits', 0.002),
      time('unknown', 1),
    ];
    expect(keysOf([{ network, ms: 1, layers }])).toEqual([
      { layers: ['conv', 'hard_swish'], ms: 0.009, nodes: 2 },
      { layers: ['conv'], ms: 0.006, nodes: 1 },
      { layers: ['depthwise'], ms: 0.005, nodes: 1 },
      { layers: ['conv', 'add'], ms: 0.004, nodes: 1 },
      { layers: ['global_pool'], ms: 0.003, nodes: 1 },
      { layers: ['dense'], ms: 0.002, nodes: 1 },
    ]);
  });

  it('are merged by configuration', () => {
    const of = (ms: number): Observation => ({ network, ms: 1, layers: [time('logits', ms)] });
    expect(keysOf([of(0.002), of(0.004), { network, ms: 1 }])).toEqual([{ layers: ['dense'], ms: 0.003, nodes: 1 }]);
  });
});

describe('times of layers', () => {
  it('replace many networks where few were measured', async () => {
    const { without, withTimes } = await errors(4, profiled, [1, 2, 3, 4]);
    expect(withTimes).toBeLessThan(0.6 * without);
  });

  it('do little harm when they are useless', async () => {
    const useless = (observation: Observation, random: Random): Observation => ({
      ...observation,
      layers: profiled(observation, random).layers?.map(({ layer }) => time(layer, 2e-3 + 5e-3 * random.uniform())),
    });
    const { without, withTimes } = await errors(10, useless, [1, 2]);
    expect(withTimes).toBeLessThan(1.25 * without);
  });

  it('give a reproducible model, and one at the level of the newest trials', async () => {
    const space = await fashionSpace();
    const random = new Random(5);
    const calibration = observe(space, 10, random).map((observation) => profiled(observation, random));
    const model = fitLatencyModel(calibration);
    expect(JSON.stringify(fitLatencyModel(calibration))).toBe(JSON.stringify(model));
    const slower = (count: number): Observation[] =>
      observe(space, count, random).map(({ network, ms }) => ({ network, ms: 1.3 * ms }));
    const supervised = adaptModel(calibration, slower(6));
    if (supervised?.state !== 'corrected') throw new Error('not corrected');
    expect(validateModel(supervised.model, slower(40)).mape).toBeLessThan(6);
  });
});
