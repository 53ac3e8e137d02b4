import { writeFileSync } from 'node:fs';
import { encodePasses, passInts } from '../../compiler/native/encode.js';
import { planMemory } from '../../compiler/native/memory.js';
import { planNative } from '../../trainers/engines/native/engine.js';
import { lossSchema, optimizerSchema } from '../../trainers/index.js';
import type { Block, Network } from '../../spaces/index.js';

const network = (input: Network['input'], filters: number, blocks: readonly Block[], norm?: true): Network => ({
  ...{ kind: 'network', input, classes: 3, blocks },
  stem: { filters, kernel: 3, stride: 1, act: 'swish' },
  head: { filters: norm === true ? 0 : 20, act: 'relu', dropout: 0, ...(norm === true ? { norm } : {}) },
});
const conv = { kernel: 3, act: 'relu6' } as const;

/** Small networks with every operation of the library. */
const networks: readonly Network[] = [
  network([8, 7, 3], 8, [
    { kind: 'mbconv', ...conv, filters: 8, stride: 1, expand: 4, se: 0.25 },
    { kind: 'mbconv', ...conv, filters: 12, stride: 2, kernel: 5, expand: 3, se: 0 },
    { kind: 'mbconv', ...conv, filters: 12, stride: 1, expand: 2, se: 0.5 },
  ]),
  network([8, 8, 1], 18, [
    { kind: 'basic', ...conv, filters: 18, stride: 1 },
    { kind: 'basic', ...conv, filters: 33, stride: 2 },
    { kind: 'pooled', ...conv, filters: 20, stride: 2 },
    { kind: 'bottleneck', ...conv, filters: 20, hidden: 5, stride: 1 },
  ]),
  network(
    [6, 6, 3],
    8,
    [
      { kind: 'separable', ...conv, filters: 8, stride: 1, se: 0.25 },
      { kind: 'fused_mbconv', ...conv, filters: 8, stride: 1, expand: 2, se: 0.5 },
    ],
    true,
  ),
];
const optimizers = (['adamw', 'muon', 'sgd'] as const).map((type) => optimizerSchema.parse({ type }));
const batch = 5;

/** Writes the encoded trainings of some networks for `native/test/door.c`. */
export function writePlans(file: string): void {
  const plans = networks.map((own, i) => {
    const loss = lossSchema.parse({ type: 'cross-entropy' });
    const plan = planNative({ network: own, seed: 1, loss, optimizer: optimizers[i], ema: 0.9 }, batch);
    if ('unsupported' in plan) throw new Error(plan.unsupported);
    const sequence = [...plan.training.flat(), ...plan.passes.passes.inference];
    const memory = planMemory([sequence]);
    const passes = encodePasses(sequence, memory.offsets[0]);
    const chunks = 4;
    return [batch, chunks, memory.floats, sequence.length, passInts, ...passes];
  });
  writeFileSync(file, Int32Array.from(plans.flat()));
}
