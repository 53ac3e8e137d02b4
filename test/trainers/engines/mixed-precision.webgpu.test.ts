import { expect, it } from 'vitest';
import { resolveTarget, verifyGraph } from '../../../compiler/index.js';
import { CompiledTraining } from '../../../trainers/engines/compiled.js';
import { activateBackend } from '../../../trainers/engines/index.js';
import { createNetworkProgram, type ProgramSpec } from '../../../trainers/engines/network-program.js';
import { placementOf } from '../../compiler/support/placement.js';
import { describeOnWebGpu } from '../../support/webgpu.js';
import { noiseBatch, tinyStudent } from '../support/networks.js';
import { batch, specOf } from './contract.js';

const sample = (step: number) => noiseBatch(tinyStudent(), batch, step % 3);

/** A step on WebGPU, and its losses. */
async function open(overrides: Partial<ProgramSpec>) {
  await activateBackend(specBackend);
  const training = new CompiledTraining(createNetworkProgram(specOf(overrides)()), {
    target: await resolveTarget({ provider: 'webgpu' }),
    batch,
  });
  const step = await training.compileStep();
  verifyGraph(step.graph);
  const run = async (from: number, to: number): Promise<number[]> => {
    const losses: number[] = [];
    for (let i = from; i < to; i++) {
      const { loss } = await step.run(training.feeds({ batch: sample(i), learningRate: 0.05 }, i), i);
      losses.push(loss.data[0]);
    }
    return losses;
  };
  return { training, step, run };
}

const specBackend = { type: 'eager', backend: 'cpu' } as const;

describeOnWebGpu('mixed precision on WebGPU', () => {
  it('trains as in float32, all of it on the device, and recovers from an overflow', async () => {
    const full = await open({ ema: 0.9 });
    const expected = await full.run(0, 12);
    await full.step.dispose();

    const mixed = await open({ ema: 0.9, precision: 'mixed' });
    const losses = await mixed.run(0, 12);
    losses.forEach((loss, i) => expect(Math.abs(loss / expected[i] - 1)).toBeLessThan(0.02));
    expect(losses[9] + losses[10] + losses[11]).toBeLessThan(0.95 * (losses[0] + losses[1] + losses[2]));
    // Something is computed in float16, and it is not the same.
    expect(losses).not.toEqual(expected);

    const { nodes, uploads, downloads } = await placementOf(
      mixed.step,
      mixed.training.feeds({ batch: sample(0), learningRate: 0.05 }, 0),
    );
    expect(Object.keys(nodes)).toEqual(['webgpu']);
    expect([uploads, downloads]).toEqual([0, 0]);

    const { states } = mixed.training;
    const [scale] = [...(await states.snapshot())].find(([, { data }]) => data[0] === 2 ** 15) ?? [''];
    await states.restore(new Map([[scale, { dtype: 'float32', shape: [], data: Float32Array.of(2 ** 40) }]]));
    const before = await states.snapshot();
    const [skipped] = await mixed.run(12, 13);
    const after = await states.snapshot();
    const changed = [...after].filter(([name, { data }]) => String(data) !== String(before.get(name)?.data));
    expect(Number.isFinite(skipped)).toBe(true);
    // The scale, and the good steps since it changed.
    expect(changed.map(([, { data }]) => data[0]).toSorted()).toEqual([0, 2 ** 39]);

    await mixed.run(13, 36);
    const last = (await states.snapshot()).get(scale)?.data[0] ?? NaN;
    // 24 steps would halve it to 2^16, if none were good before.
    expect(last).toBeGreaterThan(2 ** 16);
    expect(last).toBeLessThan(2 ** 39);
    await mixed.step.dispose();
  });

  it('trains with a whitened stem, which is a constant of the step, as in float32', async () => {
    const stem = { shape: [3, 3, 1, 4], data: Float32Array.from({ length: 36 }, (_, i) => Math.sin(i)) };
    const losses = [];
    for (const precision of ['float32', 'mixed'] as const) {
      const { run, step } = await open({ precision, stem });
      losses.push(await run(0, 6));
      await step.dispose();
    }
    const [full, mixed] = losses;
    mixed.forEach((loss, i) => expect(Math.abs(loss / full[i] - 1)).toBeLessThan(0.02));
    expect(mixed).not.toEqual(full);
  });
});
