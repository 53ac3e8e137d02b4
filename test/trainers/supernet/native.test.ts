import { expect, test } from 'vitest';
import { spaceSchema, type SpaceConfig } from '../../../spaces/index.js';
import { sharedSpecs } from '../../../spaces/models/index.js';
import { engineSchema, type EngineConfig, type TrainingEngine } from '../../../trainers/index.js';
import { type EngineKind, openEngine } from '../../../trainers/engines/index.js';
import { supernetEngines } from '../../../trainers/supernet/engines.js';
import type { SupernetSpec } from '../../../trainers/supernet/program.js';
import { createSandwich } from '../../../trainers/supernet/sandwich.js';
import { batch, everything, muon, run, specOf } from '../engines/contract.js';
import { makeSpace, tiniestSpace, tinySpace } from './spaces.js';
import { expectStatesNear } from '../support/states.js';

const native = engineSchema.parse({ type: 'native' });
const compiled = engineSchema.parse({ type: 'compiled', provider: 'cpu' });

interface Options extends Partial<Omit<SupernetSpec, 'sandwich' | 'shared'>> {
  readonly networks?: number;
  readonly threads?: number;
  readonly begun?: EngineKind;
}

async function open(
  config: EngineConfig,
  of: SpaceConfig,
  { networks = 1, threads = 1, begun, ...own }: Options = {},
): Promise<TrainingEngine> {
  const space = await makeSpace(of);
  const spec = (): SupernetSpec => {
    const { network: _, ...learning } = specOf()();
    const sandwich = createSandwich(space, { networks, hold: 2, sampling: 'uniform' }, learning.seed);
    return { ...learning, sandwich, shared: sharedSpecs(space), ...own };
  };
  return openEngine(config, { spec, ...supernetEngines }, { threads, batch, begun });
}

/** AdamW makes steps of gradients that are noise, which the next batch norm takes off: in two steps they differ by this. */
const trainings: readonly (readonly [string, number, SpaceConfig, Options])[] = [
  ['AdamW, average, distillation', 4e-3, tiniestSpace(), everything],
  ['SGD, all kinds of block', 1e-5, tinySpace, {}],
  ['Muon', 1e-5, tiniestSpace(), { optimizer: muon, ema: 0.9 }],
];

test.each(trainings)('states are those of the compiled engine, in its order: %s', async (_, least, space, options) => {
  const [own, other] = [await open(native, space, options), await open(compiled, space, options)];
  expect(own.kind).toBe('native');
  const [losses, expected] = [await run(own, 0, 2, 0.02), await run(other, 0, 2, 0.02)];
  for (const [step, loss] of expected.entries()) expect(losses[step]).toBeCloseTo(loss, step === 0 ? 5 : 3);
  await expectStatesNear(own, other, { least, share: 3e-4 });
  await Promise.all([own.dispose(), other.dispose()]);
});

test('states are the same, bit for bit, with any number of threads, and in an engine that goes on between members', async () => {
  const results = [];
  for (const [threads, change] of [
    [1, 4],
    [2, 4],
    [3, 1],
  ]) {
    const options = { threads, networks: 2, optimizer: muon, ema: 0.9 };
    let engine = await open(native, tinySpace, options);
    const losses = await run(engine, 0, change);
    if (change < 4) {
      const state = await engine.state();
      await engine.dispose();
      engine = await open(native, tinySpace, { ...options, begun: 'native' });
      await engine.load(state);
      losses.push(...(await run(engine, change, 4)));
    }
    results.push({ losses, states: await engine.state() });
    await engine.dispose();
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('a supernet goes on with the engine that began it', async () => {
  const engine = await open(native, tiniestSpace(), { begun: 'compiled' });
  expect(engine.kind).toBe('compiled');
  await engine.dispose();
});

test('a supernet with convolutions in groups is left to the compiled engine, with the reason', async () => {
  const space = spaceSchema.parse({
    type: 'blocks',
    stem: { filters: 8, stride: 2 },
    blocks: [{ kind: 'fused_mbconv', filters: 8, kernel: 3, expand: 2, group_width: [0, 4], stride: 2 }],
    head: { filters: 0 },
  });
  const engine = await open(native, space);
  expect(engine.kind).toBe('compiled');
  expect(engine.instead).toBe('block1_fused: members share no kernels of groups natively');
  await engine.dispose();
});
