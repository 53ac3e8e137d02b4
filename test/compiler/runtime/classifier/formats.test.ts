import { expect, it } from 'vitest';
import { parseOnnx } from '../../../../compiler/index.js';

it.each([
  ['a LiteRT file', '\x1c\0\0\0TFL3\x14\0', 'model is not an ONNX model: it is a LiteRT file (.tflite)'],
  ['a model.json', '{"format": "layers-model"}', 'model is not an ONNX model: it is JSON, as TF.js models are'],
  ['a text', '# A model', 'model is not an ONNX model: '],
])('%s is refused by its name', (_, content, message) => {
  expect(() => parseOnnx(Buffer.from(content, 'latin1'), 'model')).toThrow(message);
});
