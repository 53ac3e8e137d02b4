import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Random } from '../../base/random.js';
import { mean } from '../../base/statistics.js';
import { median } from '../../latency-models/statistics.js';
import { hypervolume } from '../../search/index.js';
import { costs, genotypeId, sampleGenotype, type Network } from '../../spaces/index.js';
import { initialWeights, toOnnx } from '../../spaces/models/index.js';
import { cpuSeconds } from '../supernet/alone.js';
import {
  each,
  imagesOf,
  points,
  progress,
  signed,
  spaceOf,
  standardError,
  train,
  trainOf,
  type Images,
  type Setting,
} from './setting.js';
import type { Rows } from './studies.js';

/** Stages of one kind of block, which differ in nothing else. */
const kinds = {
  'mbconv 3x3, expand 3': { kind: 'mbconv', expand: 3 },
  'mbconv 5x5, expand 4, squeeze-excite': { kind: 'mbconv', kernel: 5, expand: 4, se: 0.25 },
  'separable 3x3': { kind: 'separable' },
  'separable 5x5': { kind: 'separable', kernel: 5 },
  'uib 3x3 before, 3x3, expand 3': { kind: 'uib', before: 3, expand: 3 },
  'uib 5x5 before, expand 4': { kind: 'uib', kernel: 0, before: 5, expand: 4 },
  'fused_mbconv 3x3, expand 2': { kind: 'fused_mbconv', expand: 2 },
} as const;

const act = 'relu';
const stages = [
  { filters: 16, stride: 1, depth: 1 },
  { filters: 24, stride: 2, depth: 2 },
  { filters: 40, stride: 2, depth: 3 },
  { filters: 80, stride: 2, depth: 2 },
] as const;

/** The network of a kind of block with about as many multiply-accumulates as asked for; its width is free. */
async function networkOf(images: Images, kind: object, macs: number): Promise<Network> {
  const widths = Array.from({ length: 120 }, (_, i) => 0.2 + 0.02 * i);
  const networks = await each(widths, async (width) => {
    const own = stages.map((stage) => ({ ...stage, act, ...kind }));
    const stem = { filters: 16, stride: 2, act };
    return (await spaceOf(images, { width, stem, stages: own, head: { filters: 160, act } })).build([]);
  });
  const distance = (network: Network): number => Math.abs(Math.log(costs(network).macs / macs));
  return networks.reduce((best, network) => (distance(network) < distance(best) ? network : best));
}

/** CPU time of one image in ONNX Runtime on one thread in ms: a median over rounds in which all networks take turns. */
async function times(networks: readonly Network[], rounds: number): Promise<readonly number[]> {
  const runs = await each(networks, async (network) => {
    const file = toOnnx({ network, weights: initialWeights(network, 1) });
    const session = await InferenceSession.create(file, { intraOpNumThreads: 1, interOpNumThreads: 1 });
    const shape = [1, ...network.input];
    const images = new Float32Array(shape.reduce((a, b) => a * b)).fill(0.5);
    const feeds = { [session.inputNames[0]]: new Tensor('float32', images, shape) };
    return { some: () => each(Array(20).keys(), () => session.run(feeds)), times: [] as number[] };
  });
  for (let round = 0; round < rounds; round++)
    for (const { some, times } of runs) {
      await some();
      times.push(50 * (await cpuSeconds(some))[1]);
    }
  return runs.map((run) => median(run.times));
}

/** Kinds of block on photographs of 96 pixels, at about equal multiply-accumulates: time of one image, and accuracy. */
export async function blocks(setting: Setting): Promise<Rows> {
  const images = await imagesOf('flowers', setting);
  const [macs, epochs] = setting.quick ? [6e6, 1] : [8e6, 6];
  const networks = await each(Object.values(kinds), (kind) => networkOf(images, kind, macs));
  const ms = await times(networks, setting.quick ? 5 : 25);
  const config = trainOf('fast', images, { epochs });
  const rows = await each(Object.keys(kinds), async (name, i) => {
    const found = await each(setting.seeds, (seed) => train(setting, images, networks[i], config, seed));
    const accuracies = found.map(({ accuracy }) => accuracy);
    const { macs, params } = costs(networks[i]);
    progress(`${name}: ${accuracies.map(points).join(', ')}`);
    const score = `${points(mean(accuracies))} ± ${points(standardError(accuracies))}`;
    return [name, (macs / 1e6).toFixed(2), (params / 1e3).toFixed(0), ms[i].toFixed(3), score];
  });
  return [['blocks', 'M MACs', 'k parameters', 'CPU ms an image', 'accuracy %'], ...rows];
}

const layers = { kernel: [3, 5], expand: [2, 3, 4], se: [0, 0.25] };
const depths = [[1], [1, 2], [1, 2, 3], [1, 2]];
const all = { ...layers, kernel: [0, 3, 5], before: [0, 3, 5], kind: ['mbconv', 'separable', 'fused_mbconv'] };
/** Inverted residuals only; the kind of each stage as a decision. */
const searched = { inverted: layers, all } as const;

/**
 * Random networks of at most 5 M multiply-accumulates of three spaces, of the first one so many, of the others until they have
 * taken as much CPU time: hypervolume of error and measured time, normalised over all networks, with reference point (1, 1), and
 * the fastest network of at least the median accuracy.
 */
export async function blockSearch(setting: Setting): Promise<Rows> {
  const images = await imagesOf('flowers', setting);
  const [count, epochs] = setting.quick ? [2, 1] : [8, 2];
  const config = trainOf('fast', images, { epochs });
  const jobs = setting.seeds.flatMap((seed) => Object.entries(searched).map(([name, own]) => ({ seed, name, own })));
  const spent = new Map<string, number>();
  const found = (
    await each(jobs, async ({ seed, name, own }) => {
      const blocks = stages.map((stage, i) => ({ ...stage, act, ...own, depth: depths[i] }));
      const common = { width: [0.35, 0.5, 0.75, 1], share: 'stage', stem: { filters: 16, stride: 2, act } };
      const space = await spaceOf(images, { ...common, stages: blocks, head: { filters: 160, act } });
      const random = new Random(seed, 'blocks-search');
      const trained = new Map<string, { seed: number; name: string; network: Network; error: number }>();
      const budget = spent.get(`inverted ${seed}`);
      let seconds = 0;
      while (budget === undefined ? trained.size < count : seconds < budget) {
        const genotype = sampleGenotype(space, random);
        const network = space.build(genotype);
        if (trained.has(genotypeId(genotype)) || costs(network).macs > 5e6) continue;
        const { accuracy, cpuSeconds } = await train(setting, images, network, config, seed);
        progress(`${name}, seed ${seed}: ${points(accuracy)}`);
        trained.set(genotypeId(genotype), { seed, name, network, error: 1 - accuracy });
        seconds += cpuSeconds;
      }
      spent.set(`${name} ${seed}`, seconds);
      return [...trained.values()];
    })
  ).flat();
  const ms = await times(
    found.map(({ network }) => network),
    setting.quick ? 5 : 25,
  );
  const timed = found.map((one, i) => ({ ...one, point: [one.error, ms[i]] }));
  const enough = median(found.map(({ error }) => error));
  const ranges = [0, 1]
    .map((axis) => timed.map(({ point }) => point[axis]))
    .map((of) => [Math.min(...of), Math.max(...of)]);
  const volume = (of: typeof timed): number =>
    hypervolume(
      of.map(({ point }) =>
        point.map((value, axis) => (value - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0])),
      ),
      [1, 1],
    );
  const rows = setting.seeds.flatMap((seed) => {
    const parts = Object.keys(searched).map((name) => timed.filter((one) => one.seed === seed && one.name === name));
    return Object.keys(searched).map((name, i) => {
      const fastest = Math.min(...parts[i].filter(({ error }) => error <= enough).map(({ point }) => point[1]));
      return [
        ...[String(seed), name, String(parts[i].length), (spent.get(`${name} ${seed}`) ?? 0).toFixed(0)],
        ...[volume(parts[i]).toFixed(3), `${signed(volume(parts[i]) / volume(parts[0]) - 1)} %`, fastest.toFixed(3)],
      ];
    });
  });
  const fast = `CPU ms of the fastest with ${points(1 - enough)} %`;
  return [['seed', 'blocks', 'networks', 'CPU seconds', 'hypervolume', 'gain', fast], ...rows];
}
