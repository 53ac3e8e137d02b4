import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { GraphBuilder, targetWith, trace, verifyGraph, type Graph } from '../../compiler/index.js';
import { runPasses } from '../../compiler/passes/pipelines.js';
import { portable } from '../../compiler/target.js';
import type { Network } from '../../spaces/index.js';
import { mbconv } from './support/networks.js';
import { trainingOf } from './support/models.js';

beforeAll(() => tf.setBackend('cpu'));

function small(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', [2, 3], 'float32');
  builder.output('y', builder.emit('Add', [builder.emit('Exp', [x]), builder.scalar(1)]));
  return builder.finish();
}

describe('verifyGraph', () => {
  it('accepts a training step, plain and blocked', () => {
    const network: Network = {
      kind: 'network',
      input: [8, 8, 3],
      classes: 2,
      stem: { filters: 16, kernel: 3, stride: 1, act: 'relu6' },
      blocks: [mbconv(16, 1, 3, 2)],
      head: { filters: 16, act: 'relu', dropout: 0.5 },
    };
    const { logits, trainable } = trainingOf(network, 'verify');
    for (const block of [null, 16]) {
      const { graph } = trace(
        ({ x, y }) => tf.variableGrads(() => tf.losses.softmaxCrossEntropy(y, logits(x)), trainable).grads,
        { x: { shape: [2, 8, 8, 3] }, y: { shape: [2, 2] } },
        { target: targetWith(block) },
      );
      verifyGraph(graph);
      expect(graph.nodes.some(({ op }) => op === 'nchwc.Conv')).toBe(block !== null);
      expect(graph.inputs.map(({ name }) => name)).toContain('noise_seed');
    }
    tf.disposeVariables();
  });

  it.each<[string, (graph: Graph) => Partial<Graph>, RegExp]>([
    [
      'a value used before its definition',
      ({ nodes }) => ({ nodes: nodes.toReversed() }),
      /node 0, Add: value 'Exp_0' is used before/,
    ],
    ['a value defined twice', ({ nodes }) => ({ nodes: [...nodes, nodes[0]] }), /'Exp_0' is defined twice/],
    [
      'a wrong shape',
      ({ types }) => ({ types: new Map(types).set('Exp_0', { dtype: 'float32', shape: [2, 4] }) }),
      /node 0, Exp: 'Exp_0' is recorded as float32\[2,4\] but is float32\[2,3\]/,
    ],
    [
      'a wrong element type',
      ({ types }) => ({ types: new Map(types).set('Exp_0', { dtype: 'int32', shape: [2, 3] }) }),
      /recorded as int32\[2,3\] but is float32\[2,3\]/,
    ],
    [
      'an operator on types that it does not take',
      ({ types }) => {
        const type = { dtype: 'int32', shape: [2, 3] } as const;
        return { inputs: [{ name: 'x', ...type }], types: new Map(types).set('x', type) };
      },
      /Exp\(int32\[2,3\]\): input 0 must be float32/,
    ],
    [
      'an input that is recorded otherwise',
      () => ({ inputs: [{ name: 'x', dtype: 'float32', shape: [3, 2] }] }),
      /inputs: 'x' is recorded as float32\[2,3\] but is float32\[3,2\]/,
    ],
    [
      'an output that is declared otherwise',
      () => ({ outputs: [{ name: 'y', dtype: 'float32', shape: [3] }] }),
      /'y' is declared as float32\[3\] but is float32\[2,3\]/,
    ],
    [
      'an undefined output',
      () => ({ outputs: [{ name: 'z', dtype: 'float32', shape: [3] }] }),
      /value 'z' is not defined/,
    ],
  ])('finds %s', (_, damage, message) => {
    const graph = small();
    verifyGraph(graph);
    expect(() => verifyGraph({ ...graph, ...damage(graph) })).toThrow(message);
  });
});

describe('passes', () => {
  it('are verified one by one, and the error names the wrong pass', () => {
    const broken = {
      name: 'drop the last node',
      run: ({ graph }: { graph: Graph }) => ({ graph: { ...graph, nodes: graph.nodes.slice(0, -1) } }),
    };
    const graph = small();
    const why = "outputs: value 'y' is not defined";
    expect(() => runPasses({ graph }, [broken], portable)).toThrow(`wrong after 'drop the last node': ${why}`);
    expect(() => runPasses(broken.run({ graph }), [], portable)).toThrow(`wrong after tracing: ${why}`);
    vi.stubEnv('NAS_VERIFY', '0');
    expect(() => runPasses({ graph }, [broken], portable)).not.toThrow();
    vi.unstubAllEnvs();
  });
});
