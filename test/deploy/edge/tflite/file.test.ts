import { ByteBuffer } from 'flatbuffers';
import { describe, expect, it } from 'vitest';
import type { EdgeProgram, EdgeTensor, Padding } from '../../../../deploy/edge/program.js';
import { metadataName, tfliteModel, writeTflite } from '../../../../deploy/edge/tflite/index.js';

const image = (name: string, size: number, channels = 2): EdgeTensor => ({
  name,
  shape: [1, size, size, channels],
  element: 'float32',
});

/** A convolution of 3×3 on 6×6 pixels. */
function convolution(padding: Padding, stride: number, result: number): EdgeProgram {
  return {
    tensors: [
      image('x', 6),
      { name: 'weights', shape: [2, 3, 3, 2], element: 'float32', data: new Float32Array(36).fill(0.5) },
      { name: 'bias', shape: [2], element: 'float32', data: Float32Array.of(1, 2) },
      image('y', result),
    ],
    operators: [
      {
        op: 'conv',
        label: 'first',
        inputs: [0, 1, 2],
        output: 3,
        strides: [stride, stride],
        dilations: [1, 1],
        groups: 1,
        padding,
        clip: 'relu6',
      },
    ],
    input: 0,
    outputs: [3],
  };
}

const padding = (top: number, left: number, bottom: number, right: number): Padding => ({ top, left, bottom, right });

const pooling = (op: 'max-pool' | 'average-pool', around: Padding, result: number): EdgeProgram => ({
  tensors: [image('x', 6), image('y', result)],
  operators: [{ op, label: 'pool', inputs: [0], output: 1, size: [3, 3], strides: [2, 2], padding: around }],
  input: 0,
  outputs: [1],
});

const operatorsOf = (program: EdgeProgram) =>
  tfliteModel(program).operators.map(({ name, options }) => [name, options['padding']]);

describe('a .tflite file', () => {
  it('says SAME or VALID where these pad as the network does, and pads first where they do not', () => {
    expect(operatorsOf(convolution(padding(1, 1, 1, 1), 1, 6))).toEqual([['CONV_2D', 0]]);
    expect(operatorsOf(convolution(padding(0, 0, 1, 1), 2, 3))).toEqual([['CONV_2D', 0]]);
    expect(operatorsOf(convolution(padding(0, 0, 0, 0), 1, 4))).toEqual([['CONV_2D', 1]]);
    expect(operatorsOf(convolution(padding(1, 1, 1, 1), 2, 3))).toEqual([
      ['PAD', undefined],
      ['CONV_2D', 1],
    ]);
  });

  it('pads a maximum with the least number, and refuses a mean that no padding of TFLite gives', () => {
    expect(operatorsOf(pooling('max-pool', padding(0, 0, 1, 1), 3))).toEqual([['MAX_POOL_2D', 0]]);
    const model = tfliteModel(pooling('max-pool', padding(1, 1, 1, 1), 3));
    expect(model.operators.map(({ name }) => name)).toEqual(['PADV2', 'MAX_POOL_2D']);
    expect(model.tensors[model.operators[0].inputs[2]].data?.[0]).toBe(-3.4028234663852886e38);
    const mean = pooling('average-pool', padding(1, 1, 1, 1), 3);
    expect(() => writeTflite(mean)).toThrow(/layer 'pool' \(average-pool\) has a padding/);
  });

  it('has the same bytes each time, its numbers at multiples of 16, and the metadata as JSON', () => {
    const program = convolution(padding(1, 1, 1, 1), 1, 6);
    const metadata = { classes: ['cat', 'dög'], mean: [0.5, 0.5], std: [0.25, 0.25] };
    const file = writeTflite(program, metadata);
    expect(Buffer.compare(file, writeTflite(program, metadata))).toBe(0);
    const buffer = new ByteBuffer(file);
    expect(buffer.getBufferIdentifier()).toBe('TFL3');
    const bytes = Buffer.from(file);
    for (const { data } of program.tensors) {
      if (data === undefined) continue;
      const at = bytes.indexOf(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
      expect(at).toBeGreaterThan(0);
      expect(at % 16).toBe(0);
    }
    const json = bytes.indexOf(JSON.stringify(metadata));
    expect(json % 16).toBe(0);
    expect(bytes.includes(metadataName)).toBe(true);
  });
});
