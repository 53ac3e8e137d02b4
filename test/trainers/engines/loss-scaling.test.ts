import { describe, expect, it } from 'vitest';
import {
  createEngine,
  engineSchema,
  lossSchema,
  type EngineState,
  type TrainingEngine,
} from '../../../trainers/index.js';
import { batch, everything, muon, run, specOf, threads } from './contract.js';
import { noiseBatch, tinyStudent, update } from '../support/networks.js';

const compiled = engineSchema.parse({ type: 'compiled', provider: 'cpu' });
// AdamW would make more of rounding: a weight without a gradient moves by its sign.
const spec = { ...everything, optimizer: muon };
const open = (): Promise<TrainingEngine> =>
  createEngine(compiled, specOf({ ...spec, precision: 'mixed' }), { threads, batch });

const [scale, goodSteps] = ['loss_scaling/scale', 'loss_scaling/good_steps'];
const numberIn = (state: EngineState, name: string): number => state.get(name)?.data[0] ?? NaN;
const bytes = (state: EngineState): Record<string, string> =>
  Object.fromEntries([...state].map(([name, { data }]) => [name, Buffer.from(data.buffer).toString('hex')]));

/** Sets the scale, or the steps since it changed. */
async function set(engine: TrainingEngine, name: string, value: number): Promise<void> {
  const state = await engine.state();
  await engine.load(new Map([...state, [name, { shape: [], data: Float32Array.of(value) }]]));
}

/** Losses of the same training in float32. */
async function inFloat32(): Promise<number[]> {
  const engine = await createEngine(compiled, specOf(spec), { threads, batch });
  const losses = await run(engine, 0, 3);
  await engine.dispose();
  return losses;
}

const others = (state: EngineState): Record<string, string> =>
  bytes(new Map([...state].filter(([name]) => !name.startsWith('loss_scaling/'))));

describe('loss scaling', () => {
  it('skips steps with overflowing gradients, halves or doubles the scale, and changes nothing else', async () => {
    const engine = await open();
    const losses = await run(engine, 0, 2);
    const before = await engine.state();
    expect([numberIn(before, scale), numberIn(before, goodSteps)]).toEqual([2 ** 15, 2]);

    await set(engine, scale, 2 ** 127);
    const [loss] = await run(engine, 2, 3);
    const skipped = await engine.state();
    expect([numberIn(skipped, scale), numberIn(skipped, goodSteps)]).toEqual([2 ** 126, 0]);
    expect(others(skipped)).toEqual(others(before));

    await set(engine, scale, 2 ** 15);
    await set(engine, goodSteps, 1999);
    const [again] = await run(engine, 2, 3);
    const doubled = await engine.state();
    expect([numberIn(doubled, scale), numberIn(doubled, goodSteps)]).toEqual([2 ** 16, 0]);
    expect(others(doubled)).not.toEqual(others(before));
    expect(again).toBe(loss);
    await engine.dispose();

    const plain = await inFloat32();
    [...losses, loss].forEach((value, step) => expect(Math.abs(value / plain[step] - 1)).toBeLessThan(2e-3));
  });

  it('reports gradients that overflow at the smallest scale', async () => {
    // The loss is finite in float32, its gradients are not in float16.
    const loss = lossSchema.parse({ type: 'dkd', beta: 1e30 });
    const engine = await createEngine(compiled, specOf({ loss, precision: 'mixed' }), { threads, batch });
    const overflows = async (step: number): Promise<unknown> => {
      const metrics = await update(engine, noiseBatch(tinyStudent(), batch, step), 0.05, step);
      expect(Number.isFinite(metrics.loss)).toBe(true);
      return metrics.overflow;
    };
    await set(engine, scale, 2);
    const before = await engine.state();
    expect([await overflows(0), await overflows(1)]).toEqual([false, true]);
    const after = await engine.state();
    expect(numberIn(after, scale)).toBe(1);
    expect(others(after)).toEqual(others(before));
    await engine.dispose();
  });

  it('is refused by the eager engine, which has no float16', async () => {
    const eager = engineSchema.parse({ type: 'eager', backend: 'cpu' });
    const opening = createEngine(eager, specOf({ precision: 'mixed' }), { threads, batch });
    await expect(opening).rejects.toThrow(/mixed precision needs the compiled engine/);
  });
});
