import { expect, test } from 'vitest';
import { printMemory, printPasses } from '../../compiler/support/print-passes.js';
import { planMemory } from '../../../compiler/native/memory.js';
import {
  sliceOf,
  type Buffer,
  type Field,
  type Memory,
  type NativeNetwork,
  type Pass,
} from '../../../compiler/native/passes.js';
import type { Block, Network } from '../../../spaces/index.js';
import { planNetwork } from '../../../trainers/native/index.js';
import { referenceNetworks } from '../../support/reference-networks.js';

function planned(network: Network, batch: number): NativeNetwork {
  const plan = planNetwork(network, { batch, chunks: 4 });
  if ('unsupported' in plan) throw new Error(plan.unsupported);
  return plan;
}

const network = (blocks: readonly Block[], head: Partial<Network['head']> = {}): Network => ({
  kind: 'network',
  input: [8, 8, 3],
  classes: 3,
  stem: { filters: 8, kernel: 3, stride: 1, act: 'relu' },
  blocks,
  head: { filters: 0, act: 'relu', dropout: 0, ...head },
});

/** Maps and arrays that tell how values flow; sizes and weights are left out. */
const shown: readonly Field[] = ['x', 'x_act', 'x_gate', 'x2', 'x2_act', 'y', 'g', 'gx', 'gx_first', 'add0', 'add1'];
const nameOf = (value: Memory): string => sliceOf(value).buffer.name;

/** The flow of values through passes, one a line. */
const flow = (passes: readonly Pass[]): string =>
  passes
    .filter((pass) => shown.some((field) => pass[field] !== undefined))
    .map((pass) => {
      const fields = shown.flatMap((field) => {
        const value = pass[field];
        return value === undefined ? [] : [`${field}=${typeof value === 'object' ? nameOf(value) : value}`];
      });
      return [pass.op, ...(pass.group === undefined ? [] : ['(by image)']), ...fields].join(' ');
    })
    .join('\n');

test.each(Object.entries(referenceNetworks))('the flow of %s is what it was', async (name, { network, batch }) => {
  const plan = planned(network, batch);
  const { forward, backward, inference } = plan.passes;
  const sequences = [[...forward, ...backward], inference];
  const memory = planMemory(sequences, [plan.images, plan.features, plan.featureGradients]);
  const text = [printMemory(sequences, memory), 'forward', flow(forward), 'backward', flow(backward), ''].join('\n');
  await expect(text).toMatchFileSnapshot(`__snapshots__/${name}.txt`);
});

test('all fields of an inverted residual with squeeze-excite are what they were', async () => {
  const block: Block = { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act: 'swish', expand: 4, se: 0.25 };
  const { forward, backward, inference } = planned(network([block]), 2).passes;
  const text = [forward, backward, inference].map((passes) => printPasses(passes)).join('\n\n');
  await expect(`${text}\n`).toMatchFileSnapshot('__snapshots__/inverted-residual.txt');
});

test('kernels of groups are packed as one', () => {
  const block: Block = {
    kind: 'fused_mbconv',
    filters: 8,
    kernel: 3,
    stride: 1,
    act: 'relu',
    expand: 2,
    se: 0,
    groups: 2,
  };
  const { forward, backward } = planned(network([block]), 2).passes;
  const order = [...forward, ...backward]
    .filter(({ groups }) => groups !== undefined)
    .map(({ op, groups = 1, source_in = 0, source_out = 0, source_group = 0 }) => {
      const kernel = source_in === 0 ? '' : ` kernels ${source_in}x${source_out}, ${source_group} apart`;
      return `${op} groups ${groups}${kernel}`;
    });
  expect(order).toEqual([
    'PACK groups 2 kernels 4x8, 288 apart',
    'CONV_FORWARD groups 2',
    'CONV_BACKWARD groups 2',
    'UNPACK groups 2 kernels 4x8, 288 apart',
  ]);
});

test('a network without trained weights before its features has no backward passes', () => {
  const block: Block = { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 2, se: 0.5 };
  const own = network([block]);
  const frozen = new Set([...planned(own, 2).gradients.keys()].filter((name) => !name.startsWith('logits')));
  const plan = planNetwork(own, { batch: 2, chunks: 4, frozen });
  if ('unsupported' in plan) throw new Error(plan.unsupported);
  expect(plan.passes.backward).toEqual([]);
  expect([...plan.gradients.keys()]).toEqual(['logits/kernel', 'logits/bias']);
});

test('terms of a sum share its gradient, and gradients are written over those that nothing reads', () => {
  const block: Block = { kind: 'mbconv', filters: 8, kernel: 3, stride: 1, act: 'relu', expand: 1, se: 0 };
  const { backward } = planned(network([{ ...block, act: 'swish' }, block, block]), 2).passes;
  const gradients = (name: string): Set<Buffer> =>
    new Set(
      backward.flatMap(({ gx }) => (gx !== undefined && nameOf(gx).startsWith(name) ? [sliceOf(gx).buffer] : [])),
    );
  // The sums of blocks 2 and 3 and the input of block 2, which is the sum of block 1.
  expect(gradients('block3_add').size).toBe(1);
  expect(gradients('block2_add').size + gradients('block1_add').size).toBe(0);
});
