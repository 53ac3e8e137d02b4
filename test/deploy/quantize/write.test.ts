import { describe, expect, it } from 'vitest';
import { bytesOf, GraphEditor } from '../../../compiler/index.js';
import { rangesOf, type Range } from '../../../deploy/quantize/numbers.js';
import { planOf } from '../../../deploy/quantize/plan.js';
import { writeQuantized } from '../../../deploy/quantize/write.js';
import { graphFrom, node, type ModelText } from '../../compiler/support/onnx-models.js';

const constants: NonNullable<ModelText['constants']> = {
  w: [[2, 1, 1, 1], Float32Array.of(1.27, -0.5)],
  b: [[2], Float32Array.of(0.1, -0.2)],
  half: [[], Float32Array.of(0.5)],
};

type Editor = GraphEditor<string>;

/** A graph of one channel after quantizing it, with these ranges. */
function written(spec: ModelText, ranges: Readonly<Record<string, Range>>): Editor {
  const graph = graphFrom({ constants, input: ['N', 1, 2, 2], ...spec });
  return new GraphEditor<string>(writeQuantized(graph, planOf(graph), rangesOf(new Map(Object.entries(ranges))), 8));
}

/** Nodes as `Conv x/dequantized … -> y`, in order. */
const listed = (editor: Editor): string[] =>
  [...editor.nodes()].map(({ op, inputs, outputs }) => `${op} ${inputs.join(' ')} -> ${outputs.join(' ')}`);

const byteNumbers = (editor: Editor, name: string): number[] => {
  const data = editor.constant(name)?.data;
  return data ? [...bytesOf(data)] : [];
};

describe('a quantized file', () => {
  const nodes = [node('Conv', 'x w b', 'c'), node('Relu', 'c', 'y')];
  const ranges = { x: [-1, 1.55], y: [0, 5.1] } as const;

  it('has QuantizeLinear and DequantizeLinear around each operator, and none for saturated nodes', () => {
    expect(listed(written({ nodes }, ranges))).toMatchInlineSnapshot(`
      [
        "QuantizeLinear x scale 0.009999999776482582 zero 100 -> x/quantized",
        "DequantizeLinear x/quantized scale 0.009999999776482582 zero 100 -> x/dequantized",
        "DequantizeLinear w/quantized w/scale w/zero -> w/dequantized",
        "DequantizeLinear b/quantized b/scale -> b/dequantized",
        "Conv x/dequantized w/dequantized b/dequantized -> c",
        "QuantizeLinear c scale 0.019999999552965164 zero 0 -> c/quantized",
        "DequantizeLinear c/quantized scale 0.019999999552965164 zero 0 -> y",
      ]
    `);
  });

  it('has weights and biases in bytes with the expected scales', () => {
    const editor = written({ nodes }, ranges);
    // Input: 2.55 / 255 = 0.01, zero 100. Weights: 1.27 / 127 = 0.01 and 0.5 / 127.
    expect(editor.floats('w/scale')).toEqual(Float32Array.of(0.01, 0.5 / 127));
    expect(byteNumbers(editor, 'w/quantized')).toEqual([127, 256 - 127]);
    expect(byteNumbers(editor, 'w/zero')).toEqual([0, 0]);
    const scale = editor.floats('b/scale');
    expect(scale).toEqual(Float32Array.of(Math.fround(0.01) ** 2, Math.fround(0.01) * Math.fround(0.5 / 127)));
    // 0.1 / 0.0001 = 1000; -0.2 / (0.01 · 0.5 / 127) = -5080.
    expect(editor.numbers('b/quantized')).toEqual([1000, -5080]);
    expect(editor.floats('scale 0.009999999776482582')).toEqual(Float32Array.of(0.01));
    expect(byteNumbers(editor, 'zero 100')).toEqual([100]);
    // Output: 5.1 / 255 = 0.02, from zero.
    expect(editor.floats(`scale ${Math.fround(0.02)}`)).toEqual(Float32Array.of(0.02));
    expect(byteNumbers(editor, 'zero 0')).toEqual([0]);
  });

  it('has no bias if the model has none, and keeps the name of an output', () => {
    const editor = written({ nodes: [node('Conv', 'x w', 'y')] }, ranges);
    expect([...editor.nodes()].find(({ op }) => op === 'Conv')?.inputs).toHaveLength(2);
    expect(editor.producer('y')?.op).toBe('DequantizeLinear');
  });

  it('has constants in bytes beside computed values, for any number of them', () => {
    const many = Float32Array.from({ length: 200_000 }, (_, i) => (i === 7 ? 5.1 : 0));
    const editor = written(
      {
        nodes: [node('Conv', 'x w', 'c'), node('Concat', 'c k', 'y', { axis: 1 })],
        constants: { ...constants, k: [[1, 50_000, 2, 2], many] },
      },
      { x: [-1, 1.55], c: [0, 5.1], y: [0, 5.1] },
    );
    expect(byteNumbers(editor, 'k/quantized').slice(0, 9)).toEqual([0, 0, 0, 0, 0, 0, 0, 255, 0]);
  });

  it('has symmetric constants with their signs', () => {
    // Zero is byte 128 of a symmetric range: its upper end would be byte 256.
    const concat = node('Concat', 'c k', 'y', { axis: 1 });
    const editor = written(
      {
        nodes: [node('Conv', 'x w', 'c'), concat],
        constants: { ...constants, k: [[1, 1, 2, 2], Float32Array.of(0.1, -0.1, 0.05, 0)] },
      },
      { x: [-1, 1.55], c: [0, 5.1], y: [-0.1, 5.1] },
    );
    expect(byteNumbers(editor, 'k/quantized')).toEqual([255, 0, 192, 128]);
  });

  it('has weights of matrices by column', () => {
    const editor = written(
      {
        constants: { ...constants, d: [[2, 2], Float32Array.of(127, 1, 63.5, -254)] },
        nodes: [
          node('Conv', 'x w b', 'c'),
          node('GlobalAveragePool', 'c', 'p'),
          node('Flatten', 'p', 'f'),
          node('MatMul', 'f d', 'y'),
        ],
      },
      { x: [0, 1], c: [0, 1], p: [0, 1], y: [0, 1] },
    );
    expect(editor.floats('d/scale')).toEqual(Float32Array.of(1, 2));
    // 1 / 2 and 63.5 are halves, rounded to even.
    expect(byteNumbers(editor, 'd/quantized')).toEqual([127, 0, 64, 256 - 127]);
    // Moved bytes keep their scale.
    expect(editor.producer('f/quantized')?.inputs.slice(1)).toEqual(editor.producer('p/quantized')?.inputs.slice(1));
  });

  it('has the gate of hard swish as a table that clips by saturation', () => {
    const relative = { alpha: { float: 1 / 6 }, beta: { float: 0.5 } };
    const editor = written(
      { nodes: [node('Conv', 'x w b', 'c'), node('HardSigmoid', 'c', 'g', relative), node('Mul', 'c g', 'y')] },
      { x: [0, 1], c: [-7, 4.65], y: [-0.4, 4.65] },
    );
    expect(listed(editor).slice(5)).toMatchInlineSnapshot(`
      [
        "QuantizeLinear c scale 0.029999999329447746 zero 100 -> c/quantized",
        "DequantizeLinear c/quantized scale 0.029999999329447746 zero 100 -> c/dequantized",
        "LeakyRelu c/dequantized -> g",
        "QuantizeLinear g scale 0.023622047156095505 zero 127 -> g/quantized",
        "DequantizeLinear g/quantized scale 0.003937007859349251 zero 0 -> g/dequantized",
        "Mul c/dequantized g/dequantized -> y/float",
        "QuantizeLinear y/float scale 0.01980392076075077 zero 20 -> y/quantized",
        "DequantizeLinear y/quantized scale 0.01980392076075077 zero 20 -> y",
      ]
    `);
    // The argument ends at -3: 7.65 / 255 = 0.03, zero 100.
    expect(editor.producer('c/quantized')?.inputs[2]).toBe('zero 100');
    // Written as x at 6 / 254 around 127, where 1 / 2 is a byte; read as 0 to 1.
    const [, writtenAt, middle] = editor.producer('g/quantized')?.inputs ?? [];
    expect(editor.floats(writtenAt)?.[0]).toBeCloseTo(6 / 254, 8);
    expect(byteNumbers(editor, middle)).toEqual([127]);
    const [, readAt, zero] = editor.producer('g/dequantized')?.inputs ?? [];
    expect(editor.floats(readAt)).toEqual(Float32Array.of(1 / 254));
    expect(byteNumbers(editor, zero)).toEqual([0]);
  });

  it('reads the bytes of a gate after a convolution with another scale, also after they were moved', () => {
    const relative = { alpha: { float: 0.2 }, beta: { float: 0.5 } };
    const shape: ModelText['constants'] = { ...constants, s: [[2], BigInt64Array.of(0n, -1n)] };
    const editor = written(
      {
        constants: shape,
        nodes: [
          node('Conv', 'x w b', 'c'),
          node('Reshape', 'c s', 'r'),
          node('HardSigmoid', 'r', 'g', relative),
          node('Mul', 'g g', 'y'),
        ],
      },
      { x: [0, 1], y: [0, 1] },
    );
    expect(listed(editor).slice(4)).toMatchInlineSnapshot(`
      [
        "Conv x/dequantized w/dequantized b/dequantized -> c",
        "QuantizeLinear c scale 0.019685039296746254 zero 127 -> c/quantized",
        "DequantizeLinear c/quantized scale 0.003937007859349251 zero 0 -> c/dequantized",
        "Reshape c/dequantized s -> r",
        "QuantizeLinear r scale 0.003937007859349251 zero 0 -> r/quantized",
        "DequantizeLinear r/quantized scale 0.003937007859349251 zero 0 -> r/dequantized",
        "Mul r/dequantized r/dequantized -> y/float",
        "QuantizeLinear y/float scale 0.003921568859368563 zero 0 -> y/quantized",
        "DequantizeLinear y/quantized scale 0.003921568859368563 zero 0 -> y",
      ]
    `);
    expect(editor.floats(editor.producer('c/quantized')?.inputs[1] ?? '')?.[0]).toBeCloseTo(5 / 254, 8);
    expect(editor.floats(editor.producer('r/quantized')?.inputs[1] ?? '')).toEqual(Float32Array.of(1 / 254));
  });

  it('has numbers in bytes if an integer operator reads them', () => {
    const editor = written(
      { nodes: [node('Conv', 'x w b', 'c'), node('Mul', 'c half', 'y')] },
      { x: [0, 1], c: [0, 1], y: [0, 1] },
    );
    expect(byteNumbers(editor, 'half/quantized')).toEqual([255]);
    expect(editor.producer('half/dequantized')?.inputs.slice(1)).toEqual([`scale ${Math.fround(0.5 / 255)}`, 'zero 0']);
  });

  it('avoids names that the file already has', () => {
    const editor = written({ nodes: [node('Conv', 'x w b', 'x/quantized'), node('Relu', 'x/quantized', 'y')] }, ranges);
    const names = [...editor.nodes()].map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const outputs = [...editor.nodes()].flatMap(({ outputs: all }) => all);
    expect(new Set(outputs).size).toBe(outputs.length);
  });
});
