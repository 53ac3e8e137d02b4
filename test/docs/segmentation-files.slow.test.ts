import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { exportOnnx } from '../../deploy/index.js';
import { nasInside } from '../cli/nas.js';
import { describeWith, runOnBoard } from '../deploy/edge/c/support/compilers.js';
import { int8Of, noiseImages } from '../deploy/edge/support/agreement.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { sharedFolder } from '../support/temporary.js';
import { blocksOf } from './recipe-blocks.js';

const folder = sharedFolder();
const page = readFileSync(new URL('../../docs/segmentation.md', import.meta.url), 'utf8');

beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = randomDetector({ head: { segmentation: true } });
  const float = exportOnnx(model, detectorMetadata(model));
  writeFileSync(join(folder, 'model.onnx'), float);
  writeFileSync(join(folder, 'model.int8.onnx'), await int8Of(float, noiseImages([4, ...model.network.input])));
});

it('the commands for files in docs/segmentation.md run', async () => {
  const commands = blocksOf(page)
    .filter(({ language, section }) => language === 'sh' && section === 'Files')
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => line.replace(/ +#.*/, ''));
  expect(commands).toHaveLength(4);
  for (const command of commands) {
    const words = command.replaceAll(/\S+\.onnx|(?<=-o )\w+/g, (name) => join(folder, name)).split(' ');
    const { code, err } = await nasInside(words.slice(1));
    expect({ command, code, err }).toMatchObject({ code: 0 });
  }
  for (const file of ['app/model.onnx', 'layers/model.json', 'phone/model.tflite', 'board/model.c'])
    expect(existsSync(join(folder, file))).toBe(true);
});

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'the C of docs/segmentation.md on a board', () => {
  it.each(['cortex-m4', 'cortex-m55'] as const)('gives the classes of the reference: %s', async (core) => {
    expect(await runOnBoard(core, join(folder, 'board'), ['-O2'])).toMatch(/^0 wrong outputs of \d+\n$/);
  });
});
