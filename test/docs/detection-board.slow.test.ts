import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { exportOnnx } from '../../deploy/index.js';
import { createSpace, sampleGenotype, spaceSchema } from '../../spaces/index.js';
import { Random } from '../../base/random.js';
import { outlineOf } from '../../deploy/edge/outline.js';
import { edgeSizes } from '../../deploy/edge/sizes.js';
import { nasInside } from '../cli/nas.js';
import { int8Of, noiseImages } from '../deploy/edge/support/agreement.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { sharedFolder } from '../support/temporary.js';
import { blocksOf } from './recipe-blocks.js';

const folder = sharedFolder();
const page = readFileSync(new URL('../../docs/detection.md', import.meta.url), 'utf8');

it('the commands for boards and browsers in docs/detection.md run', async () => {
  await tf.setBackend('cpu');
  const model = randomDetector();
  const float = exportOnnx(model, detectorMetadata(model));
  writeFileSync(join(folder, 'model.onnx'), float);
  writeFileSync(join(folder, 'model.int8.onnx'), await int8Of(float, noiseImages([4, ...model.network.input])));
  const commands = blocksOf(page)
    .filter(({ language, section }) => language === 'sh' && ['On a board', 'In a browser'].includes(section))
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => line.replace(/ +#.*/, ''));
  expect(commands).toHaveLength(3);
  for (const command of commands) {
    const words = command.replaceAll(/\S+\.onnx|(?<=-o )\w+/g, (name) => join(folder, name)).split(' ');
    const { code, err } = await nasInside(words.slice(1));
    expect({ command, code, err }).toMatchObject({ code: 0 });
  }
  for (const file of ['board/model.h', 'site/index.html', 'layers/model.json'])
    expect(existsSync(join(folder, file))).toBe(true);
});

it.each(
  [...page.matchAll(/^\| (\d+) x (\d+) \| (\d+) and (\d+) kB \| (\d+) kB \|$/gm)].map((row) =>
    row.slice(1).map(Number),
  ),
)(
  'networks of the preset have the SRAM and flash of the table at %d x %d',
  async (height, width, least, most, flash) => {
    const config = spaceSchema.parse({ type: 'mobilenet', preset: 'detector' });
    const space = await createSpace(config, { input: [height, width, 3], classes: 3, detects: true });
    const sizes = Array.from({ length: 40 }, (_, seed) =>
      edgeSizes(outlineOf(space.build(sampleGenotype(space, new Random(seed, 'g'))))),
    );
    const sram = sizes.map(({ sramBytes }) => sramBytes);
    const found = [Math.min(...sram), Math.max(...sram), Math.max(...sizes.map(({ flashBytes }) => flashBytes))];
    expect(found.map((bytes) => Math.round(bytes / 1000))).toEqual([least, most, flash]);
  },
);
