import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { nativeLibrary, NativeProgram, sliceOf, type NativeNetwork } from '../../../compiler/native/index.js';
import type { Network } from '../../../spaces/index.js';
import { initialWeights } from '../../../spaces/models/index.js';
import { planNetwork } from '../../../trainers/native/index.js';
import { smallNetworks } from '../../spaces/networks.js';

const batch = 5;
const chunks = 4;

function openLibrary() {
  const library = nativeLibrary();
  if ('reason' in library) throw new Error(library.reason);
  return library;
}

/** All kept values after a step and an inference, with this value in all memory that is not kept. */
async function valuesAfter(network: Network, plan: NativeNetwork, fill: number): Promise<Float32Array[]> {
  const { forward, backward, inference } = plan.passes;
  const [[weights], [gradients]] = [[...plan.weights.values()], [...plan.gradients.values()]];
  const kept = [plan.images, plan.features, plan.featureGradients, weights.buffer, gradients.buffer];
  const program = new NativeProgram(openLibrary(), [[forward, backward], [inference]], kept, { chunks, threads: 1 });
  const random = new Random(1, 'values');
  for (const [name, { data }] of initialWeights(network, 1)) {
    const slice = plan.weights.get(name);
    if (slice !== undefined) program.view(slice).set(data);
  }
  for (const buffer of [plan.images, plan.featureGradients])
    program.view(buffer).set(Float32Array.from({ length: buffer.floats }, () => random.normal()));
  program.fillUnkept(fill);
  await program.run(0, 0, batch);
  await program.run(0, 1, batch);
  const step = kept.map((buffer) => program.view(buffer).slice());
  program.fillUnkept(fill);
  await program.run(1, 0, batch);
  return [...step, program.view(plan.features).slice()];
}

test('no pass reads memory that no pass has written', async () => {
  let count = 0;
  const property = fc.asyncProperty(smallNetworks, async (network) => {
    const plan = planNetwork(network, { batch, chunks });
    if ('unsupported' in plan) return;
    const [zeros, poison] = [await valuesAfter(network, plan, 0), await valuesAfter(network, plan, NaN)];
    expect(poison).toEqual(zeros);
    count++;
  });
  await fc.assert(property, { seed: 3, numRuns: 25 });
  expect(count).toBeGreaterThan(10);
});

test('values that are not kept have no view, and passes that the library does not have are refused by their place', async () => {
  const x = { name: 'x', floats: 16, kept: false };
  const y = { name: 'y', floats: 16, kept: true };
  const program = new NativeProgram(openLibrary(), [[[{ op: 'SGD', length: 16, value: x }]]], [y], {
    chunks,
    threads: 1,
  });
  expect(program.view({ ...sliceOf(y), from: 4, floats: 2 })).toHaveLength(2);
  expect(() => program.view(x)).toThrow('the buffer x does not keep its values');
  await expect(program.run(0, 0, 0)).rejects.toThrow('does not accept the call');
});
