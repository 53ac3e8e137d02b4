import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { layersModelOf } from '../support/layers-model.js';
import { blockKinds, classifierHead } from '../../spaces/index.js';
import { readTimedNetworks, timeTraining, type TimingJob } from '../../bench/train/timing.js';
import { sharedFolder } from '../support/temporary.js';

const directory = sharedFolder();

const block = { filters: 16, kernel: 3, stride: 1, act: 'hard_swish' };
const tiny = {
  name: 'tiny',
  input: [8, 8, 3],
  classes: 4,
  batch: 4,
  stem: { ...block, act: 'relu6' },
  blocks: [
    { type: 'mbconv', ...block, expand: 2, se: 0.25 },
    { type: 'fused_mbconv', ...block, expand: 2 },
    { type: 'basic', ...block, stride: 2 },
    { type: 'separable', ...block },
    { type: 'conv', ...block },
    { type: 'pooled', ...block, stride: 2 },
    { type: 'bottleneck', ...block, hidden: 4 },
  ],
  head: { filters: 16, act: 'swish' },
};
const written = (networks: unknown): string => {
  const file = join(directory, 'networks.json');
  writeFileSync(file, JSON.stringify({ comment: 'ignored', networks }));
  return file;
};

describe('a file of networks to time', () => {
  it('is read as networks', () => {
    const [{ name, batch, network }] = readTimedNetworks(written([tiny]));
    expect([name, batch, classifierHead(network).dropout]).toEqual(['tiny', 4, 0]);
    expect(new Set(network.blocks.map(({ kind }) => kind))).toEqual(new Set(blockKinds));
    expect(network.blocks[3]).toEqual({ kind: 'separable', ...block, se: 0 });
  });

  it('is refused with the invalid key', () => {
    expect(() => readTimedNetworks(written([{ ...tiny, stem: { ...block, stride: 3 } }]))).toThrow('0.stem.stride');
    expect(() => readTimedNetworks(written([]))).toThrow('networks');
    const blocks = [{ type: 'mbconv', ...block }];
    expect(() => readTimedNetworks(written([{ ...tiny, blocks }]))).toThrow('0.blocks.0.expand');
    expect(() => readTimedNetworks(written([{ ...tiny, blocks: [{ ...block, type: 'cell' }] }]))).toThrow(
      'blocks.0.type',
    );
    expect(() => readTimedNetworks(join(directory, 'nowhere.json'))).toThrow('nowhere.json');
  });
});

describe('timing a training', () => {
  const [timed] = readTimedNetworks(written([tiny]));
  const job: TimingJob = {
    // With one block, which is quick to compile.
    timed: { ...timed, network: { ...timed.network, blocks: timed.network.blocks.slice(0, 1) } },
    engine: 'auto',
    provider: 'cpu',
    threads: 1,
    steps: 3,
    warmup: 1,
    blocked: true,
    profile: true,
    evaluation: true,
  };

  it('runs real steps in a process of its own and profiles them by layer', async () => {
    const { samples, params, memory_mib: memory, startup_ms: startup, profile, evaluation } = await timeTraining(job);
    expect(samples).toHaveLength(3);
    for (const value of [...samples, memory, startup]) expect(value).toBeGreaterThan(0);
    const model = layersModelOf(job.timed.network, 1);
    expect(params).toBe(
      model.trainableWeights.reduce((sum, { shape }) => sum + shape.reduce<number>((a, b) => a * (b ?? 1), 1), 0),
    );
    const layers = new Set(profile?.map(({ layer }) => layer));
    for (const { name } of model.layers.filter((layer) => layer.getClassName() === 'Conv2D'))
      expect(layers).toContain(name);
    expect(evaluation?.ours).toBeGreaterThan(0);
    expect(evaluation?.exported).toBeGreaterThan(0);
  });

  it('runs the native engine by default', async () => {
    const { engine, samples, evaluation } = await timeTraining({ ...job, profile: false });
    expect(engine).toBe('native');
    expect(samples).toHaveLength(3);
    expect(evaluation?.ours).toBeGreaterThan(0);
    await expect(timeTraining({ ...job, engine: 'native' })).rejects.toThrow(/profiles are of the compiled engine/);
  });

  it('fails with the reason', async () => {
    await expect(timeTraining({ ...job, provider: 'nonsense' })).rejects.toThrow(/timing tiny: .*nonsense/s);
  });
});
