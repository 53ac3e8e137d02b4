import { expect, test } from 'vitest';
import { createEngine, engineSchema, type TrainingEngine } from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';
import { noiseBatch, tiniestStudent, tinyStudent, tinyTeacher, update } from '../support/networks.js';
import { batch, describeEngine, everything, muon, openSingle, run, specOf } from './contract.js';
import { open } from '../support/foreign.js';
import { expectStatesNear } from '../support/states.js';

const native = engineSchema.parse({ type: 'native' });
const compiled = engineSchema.parse({ type: 'compiled', provider: 'cpu' });

describeEngine('native', openSingle(native));

const states = async (engine: TrainingEngine): Promise<readonly (readonly [string, readonly number[]])[]> =>
  [...(await engine.state())].map(([name, { data }]) => [name, [...data]] as const);

test('the states are the same, bit for bit, with any number of threads', async () => {
  const results = [];
  for (const threads of [1, 2, 3]) {
    const spec = specOf({ ...everything, network: tinyStudent({ dropout: 0.4 }), optimizer: muon });
    const engine = await createEngine(native, spec, { threads, batch });
    expect(engine.kind).toBe('native');
    const losses = await run(engine, 0, 3);
    results.push({ losses, states: await states(engine) });
    await engine.dispose();
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

const dkd = lossSchema.parse({ type: 'dkd' });
/** AdamW makes steps of gradients that are noise, since the next batch norm takes off what they change: they differ by this. */
const noise = 2e-3;
const trainings: readonly (readonly [string, number, Partial<ProgramSpec>])[] = [
  ['SGD', 1e-6, { network: tinyTeacher() }],
  ['AdamW, average, distillation', noise, { network: tinyStudent({ dropout: 0.3 }), ...everything }],
  ['Muon, decoupled distillation', 1e-6, { network: tiniestStudent, optimizer: muon, ema: 0.9, loss: dkd }],
];

test.each(trainings)('gives the states of the compiled engine, in its order: %s', async (_, least, overrides) => {
  const spec = specOf(overrides);
  const [own, other] = [
    await createEngine(native, spec, { threads: 1, batch }),
    await createEngine(compiled, spec, { threads: 1, batch }),
  ];
  const images = noiseBatch(tinyStudent(), batch, 4);
  for (let step = 0; step < 2; step++) {
    const [a, b] = [await update(own, images, 0.05, step), await update(other, images, 0.05, step)];
    expect(a.loss).toBeCloseTo(b.loss, 5);
    expect(a.correct).toBe(b.correct);
  }
  await expectStatesNear(own, other, { least, share: 1e-4 });
  await Promise.all([own.dispose(), other.dispose()]);
});

test('what it does not train is left to the compiled engine, with the reason', async () => {
  const file = await open('mobilenet_v2-inference', {}, native);
  expect(file).toMatchObject({ kind: 'compiled', instead: 'the network comes from a file' });
  await file.dispose();
  const begun = await createEngine(native, specOf(), { threads: 1, batch, begun: 'compiled' });
  expect(begun).toMatchObject({ kind: 'compiled' });
  expect(begun.instead).toBeUndefined();
  await begun.dispose();
  const other = await createEngine(compiled, specOf(), { threads: 1, batch, begun: 'native' });
  expect(other.instead).toMatch(/native engine, on which it began/);
  await other.dispose();
});
