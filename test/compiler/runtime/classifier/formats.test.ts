import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { NasError } from '../../../../base/errors.js';
import { loadLayersModel, parseOnnx } from '../../../../compiler/index.js';
import { temporaryFolder } from '../../../support/temporary.js';

it.each([
  ['a LiteRT file', '\x1c\0\0\0TFL3\x14\0', 'model is not an ONNX model: it is a LiteRT file (.tflite)'],
  ['a model.json', '{"format": "layers-model"}', 'model is not an ONNX model: it is JSON, as TF.js models are'],
  ['a text', '# A model', 'model is not an ONNX model: '],
])('%s is refused by its name', (_, content, message) => {
  expect(() => parseOnnx(Buffer.from(content, 'latin1'), 'model')).toThrow(message);
});

/** As large as graphs are. */
const node = Array.from({ length: 2000 }, (_, i) => ({ name: `node${i}`, op: 'Conv2D', input: ['x', 'y'] }));

it.each<[string, object, RegExp]>([
  [
    'a graph model',
    { format: 'graph-model', modelTopology: { node }, weightsManifest: [] },
    /is a TF\.js graph model; only/,
  ],
  [
    'a graph model that does not say so',
    { modelTopology: { node }, weightsManifest: [] },
    /is a TF\.js graph model; only/,
  ],
  ['no model', { modelTopology: 1 }, /model\.json cannot be loaded: .*modelTopology/s],
  [
    'a damaged layers model',
    { modelTopology: { class_name: 'X', config: { node } }, weightsManifest: [] },
    /cannot be loaded/,
  ],
])('%s is refused in a sentence', async (name, content, message) => {
  const folder = join(temporaryFolder(), name.replaceAll(' ', '-'));
  mkdirSync(folder);
  writeFileSync(join(folder, 'model.json'), JSON.stringify(content));
  const error: unknown = await loadLayersModel(folder).catch((cause: unknown) => cause);
  if (!(error instanceof NasError)) throw new Error('it is read');
  expect(error.message).toMatch(message);
  expect(error.message.length - folder.length).toBeLessThan(300);
});
