import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { OnnxEditor } from '../../../deploy/quantize/editor.js';
import {
  float,
  floatOf,
  int,
  intOf,
  ints,
  intsOf,
  onnxNode,
  text,
  textOf,
} from '../../../deploy/quantize/onnx-nodes.js';
import { modelOf, node } from './support/onnx-models.js';

const twoBranches = () =>
  modelOf({
    nodes: [
      node('Relu', 'x', 'a'),
      node('Mul', 'a scale', 'b'),
      node('Sigmoid', 'a', 'c'),
      node('Add', 'b c', 'y'),
      node('Neg', 'c', 'nobody'),
    ],
    constants: {
      scale: [[], Float32Array.of(2)],
      axes: [[2], BigInt64Array.of(2n, 3n)],
    },
    metadata: { classes: '["a"]' },
  });

const operators = (editor: OnnxEditor) => editor.toFile().graph.node.map(({ opType }) => opType);
const named = (editor: OnnxEditor, output: string) => {
  const found = editor.producer(output);
  if (found === undefined) throw new Error(`nobody makes ${output}`);
  return found;
};

describe('an editor of ONNX graphs', () => {
  it('knows who makes and who reads a tensor', () => {
    const editor = new OnnxEditor(twoBranches());
    expect(editor.inputs).toEqual(['x']);
    expect([...editor.outputs]).toEqual(['y']);
    expect(editor.producer('a')?.opType).toBe('Relu');
    expect(editor.producer('x')).toBeUndefined();
    expect(editor.consumers('a').map(({ opType }) => opType)).toEqual(['Mul', 'Sigmoid']);
    expect(editor.only('b')?.opType).toBe('Add');
    expect(editor.only('a')).toBeUndefined();
    expect(editor.only('y')).toBeUndefined();
  });

  it('reads constants by their type', () => {
    const editor = new OnnxEditor(twoBranches());
    expect(editor.floats('scale')).toEqual(Float32Array.of(2));
    expect(editor.dims('scale')).toEqual([]);
    expect(editor.floats('axes')).toBeUndefined();
    expect(editor.ints('axes')).toEqual([2, 3]);
    expect(editor.ints('scale')).toBeUndefined();
    expect(editor.floats('a')).toBeUndefined();
  });

  it('leaves out what is of no use, and keeps what else the file says', () => {
    const file = new OnnxEditor(twoBranches()).toFile();
    expect(file.graph.node.map(({ opType }) => opType)).toEqual(['Relu', 'Mul', 'Sigmoid', 'Add']);
    expect(file.graph.initializer.map(({ name }) => name)).toEqual(['scale']);
    expect(file.metadataProps.map(({ key, value }) => [key, value])).toEqual([['classes', '["a"]']]);
    expect(Number(file.opsetImport[0].version)).toBe(17);
  });

  it('changes its copy alone', () => {
    const file = twoBranches();
    const before = toBinary(ModelProtoSchema, file);
    const editor = new OnnxEditor(file);
    editor.replaceUses('a', 'x');
    const edited = editor.toFile();
    edited.graph.initializer[0].rawData.fill(0);
    expect(toBinary(ModelProtoSchema, file)).toEqual(before);
  });

  it('replaces a node by several in its place', () => {
    const editor = new OnnxEditor(twoBranches());
    const mul = named(editor, 'b');
    editor.replace(mul, onnxNode('Neg', ['a'], ['b/negative']), onnxNode('Exp', ['b/negative'], ['b']));
    expect(operators(editor)).toEqual(['Relu', 'Neg', 'Exp', 'Sigmoid', 'Add']);
    expect(editor.nodes).not.toContain(mul);
    expect(editor.consumers('b/negative').map(({ opType }) => opType)).toEqual(['Exp']);
    expect(editor.consumers('scale')).toEqual([]);
  });

  it('puts nodes before, behind and at the beginning', () => {
    const editor = new OnnxEditor(twoBranches());
    editor.insertAfter(named(editor, 'a'), onnxNode('Neg', ['a'], ['negative']));
    editor.insertBefore(named(editor, 'a'), onnxNode('Abs', ['x'], ['positive']));
    editor.prepend(onnxNode('Exp', ['x'], ['e']));
    expect(editor.nodes.map(({ opType }) => opType)).toEqual([
      'Exp',
      'Abs',
      'Relu',
      'Neg',
      'Mul',
      'Sigmoid',
      'Add',
      'Neg',
    ]);
  });

  it('lets readers read something else', () => {
    const editor = new OnnxEditor(twoBranches());
    editor.replaceUses('a', 'x');
    expect(editor.consumers('x').map(({ opType }) => opType)).toEqual(['Relu', 'Mul', 'Sigmoid']);
    expect(editor.consumers('a')).toEqual([]);
    expect(operators(editor)).toEqual(['Mul', 'Sigmoid', 'Add']);
  });

  it('bypasses a node, also one that gives an output of the model', () => {
    const editor = new OnnxEditor(twoBranches());
    expect(editor.bypass(named(editor, 'c'), 'a')).toBe(true);
    expect(editor.bypass(named(editor, 'y'), 'b')).toBe(true);
    const { graph } = editor.toFile();
    expect(graph.node.map(({ opType, input, output }) => [opType, input, output])).toEqual([
      ['Relu', ['x'], ['a']],
      ['Mul', ['a', 'scale'], ['y']],
    ]);
  });

  it('does not bypass a node between an input and an output of the model', () => {
    const editor = new OnnxEditor(modelOf({ nodes: [node('Identity', 'x', 'y')] }));
    expect(editor.bypass(named(editor, 'y'), 'x')).toBe(false);
    expect(operators(editor)).toEqual(['Identity']);
  });

  it('gives names that nobody has, the same each time', () => {
    const names = () => {
      const editor = new OnnxEditor(twoBranches());
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

  it('copies the data of constants that it adds', () => {
    const editor = new OnnxEditor(twoBranches());
    const buffer = Float32Array.of(0, 1, 2, 3);
    const name = editor.addConstant('part', [2], buffer.subarray(1, 3));
    buffer.fill(9);
    expect(editor.floats(name)).toEqual(Float32Array.of(1, 2));
    expect(editor.dims(name)).toEqual([2]);
  });

  it('refuses to edit around a node that is gone', () => {
    const editor = new OnnxEditor(twoBranches());
    const mul = named(editor, 'b');
    editor.remove(mul);
    expect(() => editor.insertBefore(mul)).toThrow('is not of the graph');
  });
});

describe('attributes of nodes', () => {
  const made = onnxNode('Test', ['a'], ['b'], { i: int(3), many: ints([1, 2]), f: float(0.5), s: text('same') });

  it('are read by name, or are what the caller says', () => {
    expect([intOf(made, 'i', 1), intOf(made, 'none', 1)]).toEqual([3, 1]);
    expect([intsOf(made, 'many'), intsOf(made, 'none')]).toEqual([[1, 2], undefined]);
    expect([floatOf(made, 'f', 1), floatOf(made, 'none', 1)]).toEqual([0.5, 1]);
    expect([textOf(made, 's', ''), textOf(made, 'none', 'x')]).toEqual(['same', 'x']);
  });

  it('are those of a file that leaves them out', () => {
    const editor = new OnnxEditor(modelOf({ nodes: [node('Relu', 'x', 'y')] }));
    expect(named(editor, 'y')).toMatchObject({ domain: '', name: 'the y', attribute: [] });
  });
});
