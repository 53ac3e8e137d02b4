import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { foreignNetwork } from '../../../compiler/index.js';
import {
  createEngine,
  engineSchema,
  trainSchema,
  type EngineConfig,
  type TrainingEngine,
} from '../../../trainers/index.js';
import type { ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema } from '../../../trainers/schema/loss.js';

const fixtures = new URL('../../compiler/foreign/fixtures/', import.meta.url);
/** A file among the fixtures of `test/compiler/foreign/`. */
export const file = (name: string): Uint8Array => new Uint8Array(readFileSync(fileURLToPath(new URL(name, fixtures))));
const series = z.array(z.number());
/** PyTorch's losses of four steps on the same batch. */
export const losses = z
  .record(z.string(), z.object({ frozen: series, followed: series }))
  .parse(JSON.parse(new TextDecoder().decode(file('losses.json'))));

export const [batch, size, classes] = [8, 32, 5];
/** The batch of the script that made the fixtures. */
export const images = Float32Array.from(
  { length: batch * size * size * 3 },
  (_, i) => 2 * Math.sin(1 + ((i * i) % 977)),
);
const labels = new Float32Array(batch * classes);
for (let i = 0; i < batch; i++) labels[i * classes + (i % classes)] = 1;
const update = { batch: { images, labels, teacher: null }, learningRate: 0.01 };

/** The training of the script that made the fixtures. */
export const spec = (name: string, more: Partial<ProgramSpec> = {}): ProgramSpec => ({
  network: foreignNetwork(file(`${name}.onnx`)),
  seed: 1,
  loss: lossSchema.parse({ type: 'cross-entropy' }),
  optimizer: trainSchema.parse({ optimizer: { type: 'sgd', momentum: 0.9, nesterov: false, weight_decay: 0 } })
    .optimizer,
  ema: 0,
  ...more,
});

export const open = (
  name: string,
  more?: Partial<ProgramSpec>,
  config: EngineConfig = engineSchema.parse({ type: 'compiled', provider: 'cpu' }),
): Promise<TrainingEngine> => createEngine(config, () => spec(name, more), { threads: 1, batch });

/** The loss of each step. */
export async function train(engine: TrainingEngine, from: number, to: number): Promise<number[]> {
  const found: number[] = [];
  for (let step = from; step < to; step++) found.push((await engine.train([update], step))[0].loss);
  return found;
}
