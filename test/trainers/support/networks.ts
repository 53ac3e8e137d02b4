import { Random } from '../../../base/random.js';
import type { Network } from '../../../spaces/index.js';
import type { EngineBatch, StepMetrics, TrainingEngine } from '../../../trainers/index.js';

/** A student with every kind of weight: depthwise and pointwise convolutions, squeeze-excite, batch norm, dense. */
export const tinyStudent = (options: { size?: number; dropout?: number; classes?: number } = {}): Network => ({
  kind: 'network',
  input: [options.size ?? 10, options.size ?? 10, 1],
  classes: options.classes ?? 10,
  stem: { filters: 4, kernel: 3, stride: 2, act: 'hard_swish' },
  blocks: [
    { kind: 'mbconv', filters: 4, kernel: 3, stride: 1, act: 'swish', expand: 2, se: 0.25 },
    { kind: 'mbconv', filters: 6, kernel: 3, stride: 2, act: 'hard_swish', expand: 2, se: 0 },
  ],
  head: { filters: 8, act: 'swish', dropout: options.dropout ?? 0 },
});

/** A minimal network with convolutions, batch norm, dropout and a residual: quick to compile. */
export const tiniestStudent: Network = {
  kind: 'network',
  input: [10, 10, 1],
  classes: 10,
  stem: { filters: 6, kernel: 3, stride: 2, act: 'relu' },
  blocks: [{ kind: 'mbconv', filters: 6, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0 }],
  head: { filters: 0, act: 'relu', dropout: 0.2 },
};

/** A teacher with the student's resolutions and other channels. */
export const tinyTeacher = (options: { size?: number; classes?: number } = {}): Network => ({
  kind: 'network',
  input: [options.size ?? 10, options.size ?? 10, 1],
  classes: options.classes ?? 10,
  stem: { filters: 6, kernel: 3, stride: 2, act: 'relu' },
  blocks: [{ kind: 'basic', filters: 8, kernel: 3, stride: 2, act: 'relu' }],
  head: { filters: 0, act: 'relu', dropout: 0 },
});

/** A batch of noise with labels and teacher logits, and with images of 8 x 8 for smaller members of a supernet. */
export function noiseBatch(network: Network, size: number, seed: number): EngineBatch {
  const [random, other] = [new Random(seed, 'noise'), new Random(seed, 'other noise')];
  const [height, width, channels] = network.input;
  const { classes } = network;
  const labels = new Float32Array(size * classes);
  for (let i = 0; i < size; i++) labels[i * classes + random.int(classes)] = 1;
  return {
    images: Float32Array.from({ length: size * height * width * channels }, () => random.normal()),
    others: [
      {
        form: { size: [8, 8] },
        images: Float32Array.from({ length: size * 64 * channels }, () => other.normal()),
        labels,
      },
    ],
    labels,
    teacher: Float32Array.from({ length: size * classes }, () => random.normal()),
  };
}

/** One update. */
export async function update(
  engine: Pick<TrainingEngine, 'train'>,
  batch: EngineBatch,
  learningRate: number,
  step: number,
): Promise<StepMetrics> {
  const [metrics] = await engine.train([{ batch, learningRate }], step);
  return metrics;
}
