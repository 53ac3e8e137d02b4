import { create, toBinary } from '@bufbuild/protobuf';
import { AttributeProto_AttributeType as Kind, ModelProtoSchema, TensorProto_DataType as Type } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import {
  applyRules,
  encodeRead,
  GraphEditor,
  parseOnnx,
  printGraph,
  readGraph,
  verifyGraph,
  type OnnxGraph,
  type Rule,
} from '../../compiler/index.js';
import { graphFrom, modelOf, node } from './support/onnx-models.js';

const twoBranches = () =>
  graphFrom({
    nodes: [
      node('Relu', 'x', 'a'),
      node('Mul', 'a scale', 'b'),
      node('Sigmoid', 'a', 'c'),
      node('Add', 'b c', 'y'),
      node('Neg', 'c', 'unread'),
    ],
    constants: { scale: [[], Float32Array.of(2)], axes: [[2], BigInt64Array.of(2n, 3n)] },
  });
const editorOf = (graph = twoBranches()) => new GraphEditor<string>(graph);
const operators = ({ nodes }: OnnxGraph) => nodes.map(({ op }) => op);
const made = (editor: GraphEditor<string>, output: string) => {
  const found = editor.producer(output);
  if (found === undefined) throw new Error(`nothing computes ${output}`);
  return found;
};

describe('a file of another program', () => {
  /** Unknown operators, attributes, constants and texts. */
  const strange = create(ModelProtoSchema, {
    irVersion: 3n,
    producerName: 'other',
    docString: 'a model',
    opsetImport: [
      { domain: 'ai.onnx', version: 11n },
      { domain: 'acme', version: 2n },
    ],
    metadataProps: [{ key: 'author', value: 'someone' }],
    graph: {
      name: 'strange',
      node: [
        {
          opType: 'Fold',
          domain: 'acme',
          input: ['x', 'names', '', 'w'],
          output: ['', 'folded'],
          docString: 'line 7',
          attribute: [
            { name: 'texts', type: Kind.STRINGS, strings: [new Uint8Array([255])] },
            { name: 'bytes', type: Kind.STRING, s: new Uint8Array([255]) },
            { name: 'end', type: Kind.INT, i: 2n ** 63n - 1n },
            { name: 'table', type: Kind.TENSOR, t: { dims: [1n], dataType: Type.INT16, int32Data: [7] } },
          ],
        },
        { name: 'r', opType: 'Relu', domain: 'ai.onnx', input: ['folded'], output: ['y'] },
      ],
      initializer: [
        { name: 'names', dims: [1n], dataType: Type.STRING, stringData: [new Uint8Array([97])] },
        { name: 'w', dims: [2n], dataType: Type.FLOAT, floatData: [1, 2], docString: 'weights' },
      ],
      input: [{ name: 'x' }, { name: 'w' }],
      output: [{ name: 'y' }],
      valueInfo: [{ name: 'folded' }],
    },
  });

  it('is written back as the same bytes', () => {
    const bytes = toBinary(ModelProtoSchema, strange);
    const graph = readGraph(parseOnnx(bytes));
    verifyGraph(graph);
    expect(Buffer.compare(encodeRead(graph), bytes)).toBe(0);
    expect(operators(graph)).toEqual(['acme:Fold', 'Relu']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.types.has('y')).toBe(false);
    expect(graph.constants.get('w')?.data).toEqual(Float32Array.of(1, 2));
  });

  it('keeps unknown content through an edit', () => {
    const editor = editorOf(readGraph(parseOnnx(toBinary(ModelProtoSchema, strange))));
    editor.replace(made(editor, 'y'), { op: 'Exp', inputs: ['folded'], outputs: ['y'] });
    const { docString, graph } = parseOnnx(encodeRead(editor.finish()));
    expect(docString).toBe('a model');
    expect(graph.node.map(({ opType, name }) => [opType, name])).toEqual([
      ['Fold', ''],
      ['Exp', 'y'],
    ]);
    expect(graph.node[0]).toEqual(strange.graph?.node[0]);
    expect(graph.initializer).toEqual(strange.graph?.initializer);
  });

  it('has types inferred from its inputs: named open sizes, and unknown sizes', () => {
    const graph = graphFrom({
      input: ['batch', 3, 'side', 'side'],
      constants: {
        w: [[4, 3, 1, 1], new Float32Array(12)],
        first: [[1], BigInt64Array.of(0n)],
        rest: [[1], BigInt64Array.of(-1n)],
      },
      nodes: [
        node('GlobalAveragePool', 'x', 'p'),
        node('Conv', 'x w', 'c'),
        node('Conv', 'p w', 'q'),
        node('Shape', 'q', 's'),
        node('Gather', 's first', 'n'),
        node('Concat', 'n rest', 't', { axis: 0 }),
        node('Reshape', 'q t', 'v'),
        node('Flatten', 'x', 'y'),
      ],
    });
    expect(printGraph(graph)).toMatchInlineSnapshot(`
      "graph(x: float32[N,3,N1,N1])
        %0: float32[N,3,1,1] = GlobalAveragePool(x)
        %1: float32[N,4,?,?] = Conv(x, float32[4,3,1,1]#7f21749c)
        %2: float32[N,4,1,1] = Conv(%0, float32[4,3,1,1]#7f21749c)
        %3: int64[4] = Shape(%2)
        %4: int64[1] = Gather(%3, int64[1]{0})
        %5: int64[2] = Concat(%4, int64[1]{-1}) {axis=0}
        %6: float32[N,4] = Reshape(%2, %5)
        y: float32[N,?] = Flatten(x)
        return y"
    `);
  });

  it('is rejected by verification after a wrong edit', () => {
    const graph = twoBranches();
    const [relu, ...rest] = graph.nodes;
    expect(() => verifyGraph({ ...graph, nodes: rest })).toThrow("node 0, Mul: value 'a' is used before");
    const doubled = { ...relu, op: 'Flatten' };
    expect(() => verifyGraph({ ...graph, nodes: [doubled, ...rest] })).toThrow(
      /'a' is recorded as float32\[N,3,8,8\] but/,
    );
    expect(() => verifyGraph({ ...graph, nodes: [relu, relu, ...rest] })).toThrow("'a' is defined twice");
  });
});

describe('an editor', () => {
  it('finds the nodes that compute and read a value, and the numbers of constants', () => {
    const editor = editorOf();
    expect(editor.inputs).toEqual(['x']);
    expect(editor.producer('a')?.op).toBe('Relu');
    expect(editor.producer('x')).toBeUndefined();
    expect(editor.consumers('a').map(({ op }) => op)).toEqual(['Mul', 'Sigmoid']);
    expect([editor.only('b')?.op, editor.only('a'), editor.only('y')]).toEqual(['Add', undefined, undefined]);
    expect(editor.floats('scale')).toEqual(Float32Array.of(2));
    expect([editor.floats('axes'), editor.floats('a')]).toEqual([undefined, undefined]);
    expect(editor.numbers('axes')).toEqual([2, 3]);
  });

  it('replaces a node by several, and adds nodes at either end', () => {
    const editor = editorOf();
    const mul = made(editor, 'b');
    editor.replace(
      mul,
      { op: 'Neg', inputs: ['a'], outputs: ['b/negative'] },
      { op: 'Exp', inputs: ['b/negative'], outputs: ['b'] },
    );
    editor.prepend({ op: 'Abs', inputs: ['x'], outputs: ['e'] }, { op: 'Exp', inputs: ['e'], outputs: ['f'] });
    editor.append({ op: 'Sqrt', inputs: ['y'], outputs: ['z'] });
    expect([...editor.nodes()].map(({ op }) => op).join()).toBe('Abs,Exp,Relu,Neg,Exp,Sigmoid,Add,Neg,Sqrt');
    expect(editor.consumers('scale')).toEqual([]);
    expect(operators(editor.finish())).toEqual(['Relu', 'Neg', 'Exp', 'Sigmoid', 'Add']);
    expect(() => editor.replace(mul)).toThrow("'b' is not of the graph");
  });

  it('redirects readers to another value, also in later nodes', () => {
    const editor = editorOf();
    editor.replaceUses('a', 'x');
    editor.append({ op: 'Exp', inputs: ['a'], outputs: ['z'] });
    expect(editor.consumers('x').map(({ op }) => op)).toEqual(['Relu', 'Mul', 'Sigmoid', 'Exp']);
    expect(operators(editor.finish())).toEqual(['Mul', 'Sigmoid', 'Add']);
  });

  it('bypasses a node, also the producer of an output, but not between an input and an output', () => {
    const editor = editorOf();
    expect([editor.bypass(made(editor, 'c'), 'a'), editor.bypass(made(editor, 'y'), 'b')]).toEqual([true, true]);
    expect(editor.finish().nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs])).toEqual([
      ['Relu', ['x'], ['a']],
      ['Mul', ['a', 'scale'], ['y']],
    ]);
    const between = editorOf(graphFrom({ nodes: [node('Identity', 'x', 'y')] }));
    expect(between.bypass(made(between, 'y'), 'x')).toBe(false);
    expect(operators(between.finish())).toEqual(['Identity']);
  });

  it('makes unused names, the same each time', () => {
    const names = () => {
      const editor = editorOf();
      return [
        editor.fresh('a'),
        editor.fresh('a'),
        editor.addConstant('scale', [1], Float32Array.of(1)),
        editor.fresh('z'),
      ];
    };
    expect(names()).toEqual(['a_2', 'a_3', 'scale_2', 'z']);
    expect(names()).toEqual(names());
  });

  it('refuses a replacement with another result type', () => {
    const editor = editorOf();
    expect(() => editor.replace(made(editor, 'a'), { op: 'Flatten', inputs: ['x'], outputs: ['a'] })).toThrow(
      "'a', float32[N,3,8,8], is replaced by float32[N,192]",
    );
  });
});

describe('rules', () => {
  const doubleNegation: Rule<string> = {
    match: ['Neg', 'Neg'],
    alone: true,
    replace: (_, { nodes: [, inner] }) => ({ value: inner.inputs[0] }),
  };
  const after = (...nodes: Parameters<typeof modelOf>[0]['nodes']) => {
    const editor = editorOf(graphFrom({ nodes }));
    applyRules(editor, [doubleNegation]);
    return operators(editor.finish());
  };

  it('rewrite chains of nodes, in the order of the graph', () => {
    const negations = ['x a', 'a b', 'b c', 'c d'].map((names) =>
      node('Neg', ...(names.split(' ') as [string, string])),
    );
    expect(after(...negations, node('Exp', 'd', 'y'))).toEqual(['Exp']);
  });

  it('keep nodes whose inner values have other readers', () => {
    expect(after(node('Neg', 'x', 'a'), node('Neg', 'a', 'b'), node('Add', 'a b', 'y'))).toEqual(['Neg', 'Neg', 'Add']);
  });
});
