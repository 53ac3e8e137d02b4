import { readdirSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { listProviders } from '../../../compiler/index.js';
import { createDevice, deviceSchema, profileLayers } from '../../../latency-models/index.js';
import type { LocalConfig } from '../../../latency-models/schema.js';
import { createSpace, layersOf, spaceSchema } from '../../../spaces/index.js';
import { initialWeights, toOnnx } from '../../../spaces/models/index.js';
import { byteModel } from '../../compiler/support/byte-models.js';
import { describeDevice } from './contract.js';
import { classifier, large, notAModel, small } from './models.js';
import { measureQuickly } from './quick-protocol.js';

describeDevice({
  name: 'local',
  make: () => createDevice(deviceSchema.parse({})),
  small,
  large,
  impossible: notAModel,
  provenance: 'measured',
});

describe('local device', () => {
  it('names the available providers when one is not', () => {
    expect(listProviders()[0]).toEqual({ name: 'cpu', bundled: true });
    expect(() => createDevice(deviceSchema.parse({ provider: 'gpu9000' }))).toThrow(
      /"gpu9000" is not available; there are cpu, /,
    );
  });

  it('records what it measured on', async () => {
    const device = createDevice(deviceSchema.parse({ threads: 2, batch: 4 }));
    const { environment } = await measureQuickly(device, small);
    expect(environment).toMatchObject({ device: 'local/cpu/2 threads/batch 4', threads: 2, batch: 4, provider: 'cpu' });
    expect(environment.cores).toBeGreaterThanOrEqual(1);
    expect(environment.runtime).toMatch(/^onnxruntime-node \d+\.\d+.*, Node\.js \d+/);
  });

  it('computes batches of the given size', async () => {
    const msOf = async (batch: number): Promise<number> => {
      const device = createDevice(deviceSchema.parse({ batch }));
      const times: number[] = [];
      for (let i = 0; i < 3; i++) times.push((await measureQuickly(device, large)).ms);
      return Math.min(...times);
    };
    expect(await msOf(64)).toBeGreaterThan(3 * (await msOf(1)));
  });

  it.runIf(process.platform === 'linux')('computes with the given number of threads', async () => {
    const tasks = (): number => readdirSync('/proc/self/task').length;
    const mostTasks = async (threads: number): Promise<number> => {
      let most = 0;
      const watching = setInterval(() => (most = Math.max(most, tasks())), 1);
      await measureQuickly(createDevice(deviceSchema.parse({ threads })), large);
      clearInterval(watching);
      return most;
    };
    // The first one also starts threads that stay.
    await mostTasks(1);
    // Threads that earlier tests of this process left may end between two counts.
    await vi.waitFor(async () => expect((await mostTasks(4)) - (await mostTasks(1))).toBe(3), { timeout: 60_000 });
  });

  it('profiles the layers of its models', async () => {
    const config = deviceSchema.parse({}) as LocalConfig;
    const profiles = [await profileLayers(small, config), await profileLayers(large, config)];
    for (const { ms, layers, runs } of profiles) {
      expect(runs).toBeGreaterThanOrEqual(12);
      expect(layers.reduce((sum, layer) => sum + layer.ms, 0)).toBeCloseTo(ms, 9);
      expect(layers.reduce((sum, layer) => sum + layer.share, 0)).toBeCloseTo(1, 9);
      for (const { nodes, operators } of layers) expect(nodes).toBeGreaterThanOrEqual(operators.length);
    }
    expect(profiles[1].ms).toBeGreaterThan(profiles[0].ms);
  });

  it('assigns changes of layout to the layers that need them', async () => {
    const task = { input: [16, 16, 3], classes: 4 } as const;
    const space = await createSpace(spaceSchema.parse({ type: 'mobilenet' }), task);
    const network = space.build(space.decisions.map(() => 0));
    const names = layersOf(network).map(({ name }) => name);
    const { layers } = await profileLayers(toOnnx({ network, weights: initialWeights(network, 0) }), {
      type: 'local',
      provider: 'cpu',
      threads: 1,
      batch: 1,
    });
    for (const { layer } of layers) expect(names).toContain(layer);
  });

  it('rejects models of another precision than the requested one', async () => {
    const int8 = createDevice(deviceSchema.parse({ precision: 'int8' }));
    await expect(measureQuickly(int8, small)).rejects.toThrow(/to measure int8, but .* another precision: fp32/);
    await expect(measureQuickly(int8, byteModel('weights'))).rejects.toThrow(/: int8 weights, computed in fp32/);
    expect((await measureQuickly(int8, byteModel('bytes'))).environment).toMatchObject({
      device: 'local/cpu/1 thread/batch 1/int8',
      precision: 'int8',
    });
  });

  it('names the float operators of a quantized model', async () => {
    const device = createDevice(deviceSchema.parse({}));
    const { environment } = await measureQuickly(device, byteModel('mixed'));
    // On a busy machine, a note about disturbed blocks follows.
    expect(environment.notes?.slice(0, 2)).toEqual([
      expect.stringMatching(/^2 of 3 convolutions .* in bytes, 61.0 % of the multiply-accumulates$/),
      'computed in floats: Conv middle, Exp middle',
    ]);
  });

  it.each([
    ['a fixed batch of another size', classifier([2, 8, 8, 1], 64), /batch is fixed at 2, but .* batches of 1/],
    ['an open height', classifier(['N', 'H', 8, 1], 64), /input:.* leaves "H" open/],
    ['whole numbers', classifier(['N', 8, 8, 1], 64, { inputType: 'uint8' }), /one float32 input, not .*uint8/],
    ['two inputs', classifier(['N', 8, 8, 1], 64, { secondInput: true }), /one float32 input, not .* and shift/],
  ])('refuses %s', async (_, model, message) => {
    await expect(measureQuickly(createDevice(deviceSchema.parse({})), model)).rejects.toThrow(message);
  });
});
