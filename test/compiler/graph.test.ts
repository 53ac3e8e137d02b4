import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import type { Graph, Node, Port } from '../../compiler/graph/index.js';
import { graphHash, histogram, printGraph, trace, type TracedFunction } from '../../compiler/index.js';
import { runProgram } from './support/random-program.js';
import { GraphBuilder, int } from '../../compiler/graph/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const text = (fn: TracedFunction, shapes: Record<string, (number | null)[]>): string => {
  const inputs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
  return printGraph(trace(fn, inputs).graph);
};

describe('tracing, printed', () => {
  it('keeps convolutions and the operators after them in NCHW, and transposes once at either end', () => {
    const filter = tf.variable(tf.ones([3, 3, 2, 4]), true, 'graph/filter');
    expect(text(({ x }) => tf.relu(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same')), { x: [1, 5, 5, 2] }))
      .toMatchInlineSnapshot(`
        "graph(x: float32[1,5,5,2], state/graph/filter: float32[4,2,3,3])
          %0: float32[1,2,5,5] = Transpose(x) {perm=[0,3,1,2]}
          %1: float32[1,4,5,5] = Conv(%0, state/graph/filter) {kernel_shape=[3,3], pads=[1,1,1,1]}
          %2: float32[1,4,5,5] = Relu(%1)
          output: float32[1,5,5,4] = Transpose(%2) {perm=[0,2,3,1]}
          return output"
      `);
    filter.dispose();
  });

  it('folds constants and operators without effect', () => {
    expect(
      text(({ x }) => tf.add(tf.mul(tf.sub(x, tf.zerosLike(x)), tf.div(tf.scalar(6), 3)), tf.mul(tf.ones([3]), 0)), {
        x: [2, 3],
      }),
    ).toMatchInlineSnapshot(`
      "graph(x: float32[2,3])
        output: float32[2,3] = Mul(x, 2)
        return output"
    `);
  });

  it('keeps broadcasts lazy: sums over them multiply, and only an output is expanded', () => {
    expect(
      text(({ x }) => tf.grad((v) => tf.sum<tf.Scalar>(tf.square(tf.add(tf.mean(v, 1, true), tf.zeros([4, 3])))))(x), {
        x: [4, 3],
      }),
    ).toMatchInlineSnapshot(`
      "graph(x: float32[4,3])
        %0: float32[4,1] = ReduceMean(x, int64[1]{1}) {keepdims=1}
        %1: float32[4,1] = Mul(%0, 2)
        %2: float32[4,1] = Mul(%1, 3)
        %3: float32[4,1] = Mul(%2, 0.333333343)
        output: float32[4,3] = Expand(%3, int64[2]{4,3})
        return output"
    `);
  });

  it('computes a value that is used twice once', () => {
    const { graph } = trace(({ x }) => tf.add(tf.mul(tf.exp(x), 2), tf.exp(x)), { x: { shape: [3] } });
    expect(histogram(graph)).toEqual({ Exp: 1, Mul: 1, Add: 1 });
  });

  it('recognises the hard sigmoid, forward and backward', () => {
    const gate = (x: tf.Tensor): tf.Tensor => tf.mul(tf.clipByValue(tf.relu(tf.add(x, 3)), 0, 6), 1 / 6);
    expect(text(({ x }) => ({ y: gate(x), dx: tf.grad((v) => tf.sum<tf.Scalar>(gate(v)))(x) }), { x: [4] }))
      .toMatchInlineSnapshot(`
      "graph(x: float32[4])
        y: float32[4] = HardSigmoid(x) {alpha=0.1666666716337204, beta=0.5000000149011612}
        %0: float32[4] = Abs(x)
        %1: float32[4] = HardSigmoid(%0) {alpha=-1.2676506002282294e+30, beta=3.802951800684688e+30}
        dx: float32[4] = Mul(%1, 0.166666672)
        return y, dx"
    `);
  });

  it('keeps the dynamic batch open', () => {
    const layer = tfl.layers.flatten();
    expect(text(({ x }) => layer.apply(x) as tf.Tensor, { x: [null, 2, 2, 3] })).toMatchInlineSnapshot(`
      "graph(x: float32[N,2,2,3])
        output: float32[N,12] = Reshape(x, int64[2]{0,12})
        return output"
    `);
  });
});

/** The graph with new names for all values and ports. */
function renamed(graph: Graph, random: Random): Graph {
  const names = new Map<string, string>([['', '']]);
  const rename = (name: string): string => {
    const known = names.get(name) ?? `${random.int(1e9)}/${names.size}`;
    names.set(name, known);
    return known;
  };
  const port = ({ name, ...type }: Port): Port => ({ ...type, name: rename(name) });
  return {
    ...graph,
    inputs: graph.inputs.map(port),
    outputs: graph.outputs.map(port),
    nodes: graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
      attributes: Object.fromEntries(Object.entries(node.attributes).reverse()),
      origin: `layer ${random.int(9)}`,
    })),
    // Maps in another order, too.
    constants: new Map([...graph.constants].reverse().map(([name, constant]) => [rename(name), constant])),
    types: new Map([...graph.types].reverse().map(([name, type]) => [rename(name), type])),
  };
}

/** Edits that turn a graph into another program; undefined if there is nothing to change. */
const changes: Readonly<Record<string, (graph: Graph, random: Random) => Graph | undefined>> = {
  'an operator': (graph, random) => withNode(graph, random, ({ op }) => op === 'Add', { op: 'Sub' }),
  'an attribute': (graph, random) =>
    withNode(graph, random, ({ attributes }) => Object.keys(attributes).length > 0, { attributes: {} }),
  'operands that change places': (graph, random) => {
    const i = indexOf(graph.nodes, random, readsTwo);
    return i === undefined ? undefined : replacing(graph, i, { inputs: graph.nodes[i].inputs.toReversed() });
  },
  'one number of a constant': (graph, random) => {
    const [name, constant] = random.pick([...graph.constants]);
    const data = constant.data.slice();
    const bytes = new Uint8Array(data.buffer);
    bytes[random.int(bytes.length)] ^= 1 << random.int(8);
    return { ...graph, constants: new Map([...graph.constants, [name, { ...constant, data }]]) };
  },
  'a type': (graph, random) => {
    const [name] = random.pick(graph.nodes).outputs;
    return { ...graph, types: new Map([...graph.types, [name, { dtype: 'uint8', shape: [7] }]]) };
  },
  'the order of inputs': (graph) => ({ ...graph, inputs: graph.inputs.toReversed() }),
  'the order of outputs': (graph) => ({ ...graph, outputs: graph.outputs.toReversed() }),
  'an output less': (graph) => ({ ...graph, outputs: graph.outputs.slice(1) }),
};
const readsTwo = ({ inputs }: Node): boolean => new Set(inputs).size > 1;
const indexOf = (nodes: readonly Node[], random: Random, fits: (node: Node) => boolean): number | undefined => {
  const found = nodes.flatMap((node, i) => (fits(node) ? [i] : []));
  return found.length > 0 ? random.pick(found) : undefined;
};
const replacing = (graph: Graph, i: number, by: Partial<Node>): Graph => ({
  ...graph,
  nodes: graph.nodes.with(i, { ...graph.nodes[i], ...by }),
});
const withNode = (graph: Graph, random: Random, fits: (node: Node) => boolean, by: Partial<Node>) => {
  const i = indexOf(graph.nodes, random, fits);
  return i === undefined ? undefined : replacing(graph, i, by);
};

describe('graphHash of random programs', () => {
  const graphOf = (index: number): Graph => {
    const random = new Random(3, 'hash', index);
    const constant = (...shape: number[]) => tf.fill(shape, random.uniform());
    const filters = {
      conv: constant(3, 3, 4, 4) as tf.Tensor4D,
      depthwise: constant(3, 3, 4, 1) as tf.Tensor4D,
      multiplied: constant(3, 3, 4, 2) as tf.Tensor4D,
    };
    const sizes = { b: 2, h: 4, w: 3, c: 4 };
    return trace(
      ({ x, rows }) => {
        const start = [tf.conv2d(x as tf.Tensor4D, filters.conv, 1, 'same'), x, rows];
        const made = runProgram({ random, sizes, filters, values: start }, 12);
        return Object.fromEntries([...made, tf.add(tf.neg(x), rows)].map((y, i) => [`y${i}`, y]));
      },
      { x: { shape: [2, 4, 3, 4] }, rows: { shape: [4] } },
    ).graph;
  };
  const graphs = Array.from({ length: 20 }, (_, i) => graphOf(i));

  it('does not depend on names', () => {
    for (const [i, graph] of graphs.entries())
      expect(graphHash(renamed(graph, new Random(4, i)))).toBe(graphHash(graph));
    expect(new Set(graphs.map(graphHash)).size).toBe(graphs.length);
  });

  it.each(Object.keys(changes))('changes with %s', (name) => {
    let changed = 0;
    for (const [i, graph] of graphs.entries()) {
      const other = changes[name](graph, new Random(5, name, i));
      if (other === undefined) continue;
      changed++;
      expect(graphHash(other)).not.toBe(graphHash(graph));
    }
    expect(changed).toBeGreaterThan(5);
  });
});

describe('GraphBuilder', () => {
  it('shares equal constants and drops dead nodes', () => {
    const builder = new GraphBuilder();
    builder.input('x', [2], 'float32');
    builder.input('unused', [2], 'float32');
    expect(builder.scalar(3)).toBe(builder.scalar(3));
    expect(builder.scalar(3)).not.toBe(builder.scalar(3, 'int32'));
    builder.emit('Exp', ['x']);
    builder.output('y', builder.emit('Concat', ['x', 'x'], { axis: int(0) }));
    expect(printGraph(builder.finish())).toMatchInlineSnapshot(`
      "graph(x: float32[2])
        y: float32[4] = Concat(x, x) {axis=0}
        return y"
    `);
  });

  it('refuses a node without valid types, and names operator and types', () => {
    const builder = new GraphBuilder();
    const [a, b] = [builder.input('a', [2, 3], 'float32'), builder.input('b', [2, 3], 'float32')];
    expect(() => builder.emit('MatMul', [a, b])).toThrow(
      /MatMul\(float32\[2,3\], float32\[2,3\]\): inner sizes differ/,
    );
  });
});
