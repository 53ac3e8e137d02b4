import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../../base/errors.js';
import { Random } from '../../../../base/random.js';
import { runOnnx } from '../../../../compiler/index.js';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import { tfliteAsOnnx } from '../../../../deploy/edge/tflite/as-onnx.js';
import { readTflite } from '../../../../deploy/edge/tflite/decode.js';
import { encodeTflite } from '../../../../deploy/edge/tflite/encode.js';
import { tfliteModel, writeTflite } from '../../../../deploy/edge/tflite/index.js';
import { readMetadata } from '../../../../deploy/metadata.js';
import { graphOf, type RandomGraph } from '../../quantize/support/random-graphs.js';
import { int8Of, noiseImages } from '../support/agreement.js';

const graphs: readonly RandomGraph[] = [
  { channels: 3, size: 6, steps: ['hardSwish', 'depthwise', 'relu6', 'excite', 'add', 'shuffle', 'grouped'], seed: 5 },
  { channels: 1, size: 5, steps: ['swish', 'maxPool', 'concat', 'addNumber', 'relu', 'conv'], seed: 6 },
];

/** The largest difference of two files' outputs for an image, as a share of the largest output. */
async function difference(first: Uint8Array, second: Uint8Array, { channels, size }: RandomGraph): Promise<number> {
  const { values } = noiseImages([1, channels, size, size]);
  const last = Float32Array.from(values, (_, at) => values[(at % channels) * size * size + Math.floor(at / channels)]);
  const a = await runOnnx(first, 'the first', values, [1, channels, size, size]);
  const b = await runOnnx(second, 'the second', last, [1, size, size, channels]);
  expect(b).toHaveLength(a.length);
  const largest = a.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-30);
  return a.reduce((top, value, i) => Math.max(top, Math.abs(value - b[i])), 0) / largest;
}

describe('a .tflite file as ONNX', () => {
  it.each(graphs)('computes the same in floats and bytes: $steps', async (drawn) => {
    const model = toBinary(ModelProtoSchema, graphOf(drawn));
    const float = tfliteAsOnnx(writeTflite(lowerOnnx(model, 'x')), 'x.tflite');
    expect(await difference(model, float, drawn)).toBeLessThan(1e-5);
    const int8 = await int8Of(model, noiseImages([8, drawn.channels, drawn.size, drawn.size]));
    for (const io of ['float', 'int8'] as const) {
      const file = tfliteAsOnnx(writeTflite(lowerOnnx(int8, 'x', { io })), 'x.tflite');
      expect(await difference(int8, file, drawn)).toBeLessThan(0.06);
    }
  });

  it('is read as it was written', () => {
    const program = lowerOnnx(toBinary(ModelProtoSchema, graphOf(graphs[0])), 'x');
    const metadata = { classes: ['cat', 'dög'], layout: 'NHWC', mean: [0.5], std: [0.25] } as const;
    const written = tfliteModel(program, metadata);
    expect(readTflite(encodeTflite(written), 'x', (model) => model)).toMatchObject({
      ...written,
      operators: written.operators.map(({ name }) => ({ name })),
    });
    expect(readMetadata(tfliteAsOnnx(encodeTflite(written), 'x'))).toEqual(metadata);
  });

  it('is refused in one sentence where it is damaged', () => {
    const file = writeTflite(lowerOnnx(toBinary(ModelProtoSchema, graphOf(graphs[1])), 'x'), {});
    expect(() => tfliteAsOnnx(new Uint8Array(20), 'x.tflite')).toThrow(/^x\.tflite is no LiteRT file/);
    const random = new Random(1);
    for (let i = 0; i < 300; i++) {
      const damaged = file.slice(0, i % 3 === 0 ? 8 + random.int(file.length - 8) : file.length);
      for (let k = 0; k < 4; k++) damaged[8 + random.int(damaged.length - 8)] = random.int(256);
      try {
        tfliteAsOnnx(damaged, 'x.tflite');
      } catch (error) {
        expect(error, String(error)).toBeInstanceOf(NasError);
      }
    }
  });
});
