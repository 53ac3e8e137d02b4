import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, beforeEach, expect } from 'vitest';
import { compile, histogram, verifyGraph, type Graph, type HostTensor, type Target } from '../../../compiler/index.js';
import type { Block, Network } from '../../../spaces/index.js';
import {
  apply,
  sharedWeights,
  slicedTo,
  weightSpecs,
  weightsFrom,
  type WeightResolver,
  type WeightValue,
} from '../../../spaces/models/index.js';
import { mbconv } from './networks.js';
import type { Inputs } from './reference.js';
import { Sampler } from './samples.js';

/** To be called in the test file: variables are named after their weights, and other tests may have left such names. */
export function withoutVariables(): void {
  beforeAll(() => tf.setBackend('cpu'));
  beforeEach(() => tf.disposeVariables());
}

const batch = 16;
function basic(filters: number, kernel: number, stride: 1 | 2, hidden: number): Block {
  return { kind: 'basic', filters, kernel, stride, hidden, act: 'relu' };
}
function fused(filters: number, expand: number, kernel: number, stride: 1 | 2, se = 0): Block {
  return { kind: 'fused_mbconv', filters, expand, kernel, stride, se, act: 'swish' };
}
const networkOf = (size: number, stem: number, blocks: readonly Block[], head: number): Network => ({
  kind: 'network',
  input: [size, size, 3],
  classes: 5,
  stem: { filters: stem, kernel: 3, stride: 1, act: 'hard_swish' },
  blocks,
  head: { filters: head, act: 'hard_swish', dropout: 0 },
});

interface Pair {
  readonly whole: Network;
  readonly member: Network;
}

export const pairs: Readonly<Record<string, Pair>> = {
  'narrower, smaller kernels, whole blocks of channels': {
    whole: networkOf(8, 32, [mbconv(32, 2, 7, 1), mbconv(32, 3, 5, 2)], 64),
    member: networkOf(8, 16, [mbconv(16, 2, 5, 1), mbconv(16, 2, 3, 2)], 32),
  },
  'squeeze-excite, channels that fill no block': {
    whole: networkOf(8, 16, [mbconv(24, 4, 5, 2, 0.25, 'hard_swish'), mbconv(24, 6, 7, 1, 0.25, 'hard_swish')], 40),
    member: networkOf(8, 12, [mbconv(20, 3, 3, 2, 0.25, 'hard_swish'), mbconv(20, 3, 5, 1, 0.25, 'hard_swish')], 24),
  },
  'odd sizes, with fewer layers': {
    whole: networkOf(9, 16, [mbconv(16, 3, 5, 1, 0.25), mbconv(24, 4, 7, 2, 0.25), mbconv(24, 2, 3, 2)], 32),
    member: networkOf(9, 16, [mbconv(16, 1, 3, 1), mbconv(16, 4, 3, 2), mbconv(16, 1, 3, 2)], 24),
  },
  'images of another size': {
    whole: networkOf(16, 16, [mbconv(16, 4, 7, 1, 0.25), mbconv(24, 4, 5, 2)], 32),
    member: networkOf(11, 8, [mbconv(8, 3, 5, 1, 0.25), mbconv(16, 3, 3, 2)], 32),
  },
  'fused blocks': {
    whole: networkOf(8, 16, [fused(24, 4, 5, 1, 0.25), fused(32, 4, 3, 2), fused(32, 1, 5, 1)], 32),
    member: networkOf(8, 16, [fused(16, 2, 3, 1, 0.25), fused(16, 4, 3, 2), fused(16, 1, 3, 1)], 32),
  },
  'basic blocks': {
    whole: networkOf(8, 32, [basic(32, 5, 1, 48), basic(64, 3, 2, 64)], 0),
    member: networkOf(8, 16, [basic(16, 3, 1, 16), basic(32, 3, 2, 32)], 0),
  },
};

/** Loss and gradients of a network whose weights come from a resolver of variables. */
const gradients =
  (network: Network, resolver: WeightResolver, variables: readonly tf.Variable[]) =>
  ({ x, y }: Inputs): Record<string, tf.Tensor> => {
    const loss = (): tf.Scalar => {
      const { logits } = apply(network, resolver, x, { training: true });
      return tf.mean(tf.neg(tf.sum(tf.mul(y, tf.logSoftmax(logits)), 1)));
    };
    const { value, grads } = tf.variableGrads(loss, [...variables]);
    // Null for weights that the network does not have, which TF.js's types do not say.
    const found = Object.entries<tf.Tensor | null>(grads).flatMap(([name, gradient]): [string, tf.Tensor][] =>
      gradient === null ? [] : [[name, gradient]],
    );
    return { loss: value, ...Object.fromEntries(found) };
  };

/** Reproducible values of a network's trainable weights, by name. */
const valuesOf = (network: Network, key: string): ReadonlyMap<string, WeightValue> =>
  new Map(
    weightSpecs(network).flatMap(({ name, shape, trainable }): [string, WeightValue][] => {
      const [low, high] = name.endsWith('gamma') ? [0.5, 1.5] : [-0.5, 0.5];
      const { data } = new Sampler(key, name).between(low, high, shape);
      return trainable && data instanceof Float32Array ? [[name, { shape, data }]] : [];
    }),
  );

const variablesOf = (values: ReadonlyMap<string, WeightValue>): ReadonlyMap<string, tf.Variable> =>
  new Map(
    [...values].map(([name, { shape, data }]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(data, [...shape]), true, name)),
    ]),
  );

/** Operators that move weights and their gradients: slices are cut and put back by these. */
const moving: ReadonlySet<string> = new Set(['Concat', 'Identity', 'Pad', 'Reshape', 'Slice', 'Split', 'Transpose']);

/** How often each operator that computes occurs. */
const computing = (graph: Graph): Record<string, number> =>
  Object.fromEntries(Object.entries(histogram(graph)).filter(([op]) => !moving.has(op)));

interface Step {
  readonly graph: Graph;
  readonly results: Readonly<Record<string, HostTensor>>;
}

/** Runs the gradients of a network by variables with these values. */
async function run(
  network: Network,
  values: ReadonlyMap<string, WeightValue>,
  resolver: (variables: ReadonlyMap<string, tf.Variable>) => WeightResolver,
  target: Target,
): Promise<Step> {
  const variables = variablesOf(values);
  const sample = new Sampler('batch', network.input[0]);
  const feeds = { x: sample.normal([batch, ...network.input]), y: sample.labels(batch, network.classes) };
  const inputs = { x: { shape: feeds.x.shape }, y: { shape: feeds.y.shape } };
  const step = gradients(network, resolver(variables), [...variables.values()]);
  const program = await compile(step, inputs, { target, check: verifyGraph });
  const results = await program.run(feeds);
  await program.dispose();
  tf.disposeVariables();
  return { graph: program.graph, results };
}

const bytesOf = ({ data }: { readonly data: HostTensor['data'] }): Buffer =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength);

const floats = ({ shape, data }: HostTensor): WeightValue => ({ shape, data: Float32Array.from(data) });

const count = ({ data }: WeightValue): number => data.filter((value) => value !== 0).length;

/** Expects that a member with slices of the whole's weights has the loss and gradients of the member alone, bit for bit. */
export async function expectSameAsAlone(key: string, target: Target): Promise<void> {
  const { whole, member } = pairs[key];
  const shared = valuesOf(whole, key);
  const own = new Map(
    [...valuesOf(member, key)].map(([name, { shape }]) => [name, slicedTo(shared.get(name) ?? fail(name), shape)]),
  );
  const places = member.blocks.map((_, i) => `block${i + 1}`);
  const sliced = await run(
    member,
    shared,
    (variables) => sharedWeights({ genotype: [], network: member, places }, variables),
    target,
  );
  const alone = await run(member, own, weightsFrom, target);

  expect(computing(sliced.graph)).toEqual(computing(alone.graph));
  expect(Object.keys(sliced.results).sort()).toEqual(Object.keys(alone.results).sort());
  expect(bytesOf(sliced.results['loss'])).toEqual(bytesOf(alone.results['loss']));
  for (const [name, { shape }] of own) {
    const gradient = floats(sliced.results[name]);
    const part = slicedTo(gradient, shape);
    expect(bytesOf(part).equals(bytesOf(alone.results[name])), name).toBe(true);
    expect(count(gradient), `${name} outside of the slice`).toBe(count(part));
  }
}

function fail(name: string): never {
  throw new Error(`the whole has no ${name}`);
}
