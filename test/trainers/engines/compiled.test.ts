import { describe, expect, test } from 'vitest';
import { createEngine, engineSchema } from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { openEager } from '../support/eager.js';
import { noiseBatch, tinyStudent, update } from '../support/networks.js';
import { batch, describeEngine, everything, openSingle, run, specOf, threads } from './contract.js';

const compiled = engineSchema.parse({ type: 'compiled' });

describeEngine('compiled', openSingle(compiled));

test('the compiled engine repeats itself with several threads, bit for bit', async () => {
  const network = { ...tinyStudent({ size: 16 }), stem: { ...tinyStudent().stem, filters: 32 } };
  const train = async (): Promise<number[]> => {
    const engine = await createEngine(compiled, specOf({ network }), { threads: 2, batch: 32 });
    const losses: number[] = [];
    for (let step = 0; step < 3; step++)
      losses.push((await update(engine, noiseBatch(network, 32, step), 0.05, step)).loss);
    await engine.dispose();
    return losses;
  };
  expect(await train()).toEqual(await train());
});

describe('the compiled engine and TF.js itself', () => {
  test.each<[string, Partial<ProgramSpec>]>([
    ['AdamW, average, distillation', everything],
    [
      'decoupled distillation and dropout',
      { loss: lossSchema.parse({ type: 'dkd' }), network: tinyStudent({ dropout: 0.3 }) },
    ],
  ])('train to the same losses for 3 steps: %s', async (_name, overrides) => {
    const [a, b] = [
      await createEngine(compiled, specOf(overrides), { threads, batch }),
      await openEager(specOf(overrides)),
    ];
    const [actual, expected] = [await run(a, 0, 3, 0.02), await run(b, 0, 3, 0.02)];
    actual.forEach((loss, step) => expect(Math.abs(loss / expected[step] - 1)).toBeLessThan(1e-4));
    // A state of one engine continues in the other.
    await b.load(await a.state());
    const [[next], [same]] = [await run(a, 3, 4), await run(b, 3, 4)];
    expect(Math.abs(next / same - 1)).toBeLessThan(1e-4);
    await Promise.all([a.dispose(), b.dispose()]);
  });
});
