import { beforeAll, expect, test } from 'vitest';
import { resolveTarget, targetWith, type Target } from '../../../compiler/index.js';
import { classifierHead, type Block, type Network } from '../../../spaces/index.js';
import type { EngineBatch, ProgramSpec } from '../../../trainers/engines/index.js';
import { lossSchema, type LossConfig } from '../../../trainers/schema/loss.js';
import type { OptimizerConfig } from '../../../trainers/schema/train.js';
import { trainSchema } from '../../../trainers/schema/recipe.js';
import { referenceNetworks } from '../../support/reference-networks.js';
import { describeOnWebGpu, runsAllOnWebGpu } from '../../support/webgpu.js';
import { noiseBatch } from '../support/networks.js';
import { oneStep, relativeDistance } from '../support/one-step.js';

const size = 8;

const network = (
  blocks: readonly Block[],
  head: Partial<Network['head']> = {},
  stem: Partial<Network['stem']> = {},
): Network => ({
  kind: 'network',
  input: [16, 16, 3],
  classes: 10,
  stem: { filters: 8, kernel: 3, stride: 2, act: 'hard_swish', ...stem },
  blocks,
  head: { filters: 16, act: 'relu', dropout: 0, ...head },
});

const sgd = (config: object = {}): OptimizerConfig =>
  trainSchema.parse({ optimizer: { type: 'sgd', ...config } }).optimizer;
/** With an epsilon that tells rounding from a gradient: otherwise weights whose gradient is zero move by its sign. */
const adamw: OptimizerConfig = trainSchema.parse({ optimizer: { type: 'adamw', epsilon: 1e-2 } }).optimizer;
const loss = (config: object): LossConfig => lossSchema.parse(config);

interface Case extends Pick<ProgramSpec, 'loss' | 'optimizer'> {
  readonly network: Network;
  readonly ema?: number;
  readonly batch?: EngineBatch;
  /** Largest relative distance of the momenta; default 1e-5. ReLU6 amplifies rounding: its gradient has two steps. */
  readonly bar?: number;
}

/** The batch as mixup makes it: each image with the next one, and their labels in the same shares. */
function mixed({ images, labels, teacher }: EngineBatch): EngineBatch {
  const mix = (rows: Float32Array): Float32Array =>
    rows.map((x, i) => 0.7 * x + 0.3 * rows[(i + rows.length / size) % rows.length]);
  return { images: mix(images), labels: mix(labels), teacher };
}

const mobile = { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 2, se: 0 } as const;
const fused = { ...mobile, kind: 'fused_mbconv', act: 'swish' } as const;
const grouped = { ...mobile, kind: 'fused_mbconv', groups: 2 } as const;
const resnet: Block = { kind: 'basic', filters: 16, kernel: 3, stride: 2, act: 'relu' };

const inNasBench = network(
  [
    {
      kind: 'cell',
      cell: ['nor_conv_3x3', 'avg_pool_3x3', 'nor_conv_1x1', 'skip_connect', 'nor_conv_3x3', 'none'],
    },
    { kind: 'reduction', filters: 16 },
  ],
  { filters: 0, norm: true },
  { stride: 1, act: null },
);

/** Together: every kind of block and activation, every loss, every optimizer, the moving average, dropout and mixup. */
const cases: Readonly<Record<string, Case>> = {
  'mobilenet, V2: smoothed cross-entropy, momentum': {
    network: network(
      [
        { ...mobile, act: 'relu6' },
        { ...mobile, act: 'relu6', stride: 2, kernel: 5 },
      ],
      { act: 'relu6' },
    ),
    loss: loss({ type: 'cross-entropy', label_smoothing: 0.1 }),
    optimizer: sgd({ nesterov: false }),
    bar: 2e-3,
  },
  'mobilenet, V3: distillation, Nesterov, average': {
    network: network(
      [
        { ...mobile, se: 0.25 },
        { ...mobile, act: 'hard_swish', kernel: 7, stride: 2, se: 0.25, expand: 3 },
      ],
      { hidden: 12, act: 'hard_swish' },
    ),
    loss: loss({ type: 'kd' }),
    optimizer: sgd(),
    ema: 0.9,
  },
  'efficientnet: decoupled distillation, AdamW, dropout': {
    network: network([fused, { ...fused, expand: 1, stride: 2 }, { ...mobile, act: 'swish', se: 0.25 }], {
      act: 'swish',
      dropout: 0.3,
    }),
    loss: loss({ type: 'dkd' }),
    optimizer: adamw,
  },
  'EdgeTPU and blocks: Muon on grouped, 1x1 and full kernels, average': {
    network: network([
      { ...grouped, stride: 2 },
      { ...resnet, hidden: 12 },
      { kind: 'conv', filters: 12, kernel: 1, stride: 1, act: 'relu' },
    ]),
    loss: loss({ type: 'cross-entropy' }),
    ema: 0.9,
    optimizer: trainSchema.parse({ optimizer: { type: 'muon' } }).optimizer,
  },
  'nas-bench-201: cross-entropy of mixed images, Nesterov': {
    network: inNasBench,
    loss: loss({ type: 'cross-entropy' }),
    optimizer: sgd(),
    batch: mixed(noiseBatch(inNasBench, size, 1)),
  },
};

/** The networks of the benchmark take a minute each on a software adapter: they are run where this is asked for. */
const references: Readonly<Record<string, Case>> = !runsAllOnWebGpu
  ? {}
  : Object.fromEntries(
      Object.entries(referenceNetworks).map(([name, reference]) => [
        name,
        {
          network: reference.network,
          loss: loss({ type: 'kd' }),
          optimizer: sgd({ nesterov: false }),
          ...(name === 'mbv2_32' ? { bar: 2e-3 } : {}),
        },
      ]),
    );

const isMomentum = (name: string): boolean => name.startsWith('optimizer/');

describeOnWebGpu('a training step on WebGPU', () => {
  let target: Target;
  beforeAll(async () => {
    target = await resolveTarget({ provider: 'webgpu' });
  });

  test.each(Object.entries({ ...cases, ...references }))(
    'runs whole on the device and is that of the processor: %s',
    async (name, { network, loss, optimizer, ema = 0, batch = noiseBatch(network, size, 1), bar = 1e-5 }) => {
      const spec = (): ProgramSpec => ({ network, seed: 7, loss, optimizer, ema });
      const found = await oneStep(spec, target, batch, size);
      const expected = await oneStep(spec, targetWith(null), batch, size);

      // Nothing is on the processor but the noise of dropout, which is uploaded once.
      const sites = classifierHead(network).dropout > 0 ? 1 : 0;
      const { uploads, downloads, onCpu } = found.placement;
      expect({ uploads, downloads }).toEqual({ uploads: sites, downloads: 0 });
      if (sites === 0) expect(onCpu).toEqual([]);

      const distances = {
        loss: Math.abs(found.loss / expected.loss - 1),
        momenta: relativeDistance(found.states, expected.states, isMomentum),
        others: relativeDistance(found.states, expected.states, (state) => !isMomentum(state)),
      };
      if (runsAllOnWebGpu) console.log(name, distances, found.placement);
      // Tiny networks normalise over few pixels, which makes more of rounding; those of real size are nearer.
      expect(distances.loss).toBeLessThan(name in references ? 1e-6 : 2e-6);
      expect(distances.momenta).toBeLessThan(bar);
      expect(distances.others).toBeLessThan(1e-6);
    },
  );
});
