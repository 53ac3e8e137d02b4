import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, onTestFinished, vi } from 'vitest';
import { exportOnnx } from '../../deploy/index.js';
import { createSpace, sampleGenotype, spaceSchema } from '../../spaces/index.js';
import { spaceTask } from '../../trainers/index.js';
import { Random } from '../../base/random.js';
import { outlineOf } from '../../deploy/edge/outline.js';
import { edgeSizes } from '../../deploy/edge/sizes.js';
import { nasInside, nasOut } from '../cli/nas.js';
import { describeWith, runOnBoard } from '../deploy/edge/c/support/compilers.js';
import { int8Of, noiseImages } from '../deploy/edge/support/agreement.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { sharedFolder } from '../support/temporary.js';
import { makeBoxedImages } from '../support/boxed-images.js';
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
  [...page.matchAll(/^\| (centroids, |)(\d+) x (\d+) \| (\d+) and (\d+) kB \| (\d+) kB \|$/gm)].map(
    ([, centroids, ...row]) => [centroids === '' ? 'boxes' : 'centroids', ...row.map(Number)] as const,
  ) as (readonly ['boxes' | 'centroids', number, number, number, number, number])[],
)(
  'networks of the preset for %s have the SRAM and flash of the table at %d x %d',
  async (kind, height, width, least, most, flash) => {
    const task = kind === 'centroids' ? 'centroids' : 'detection';
    const space = await createSpace(
      spaceSchema.parse({ type: 'mobilenet' }),
      spaceTask({ height, width, channels: 3, classes: ['a', 'b', 'c'] }, task),
    );
    const sizes = Array.from({ length: 40 }, (_, seed) =>
      edgeSizes(outlineOf(space.build(sampleGenotype(space, new Random(seed, 'g'))))),
    );
    const sram = sizes.map(({ sramBytes }) => sramBytes);
    const found = [Math.min(...sram), Math.max(...sram), Math.max(...sizes.map(({ flashBytes }) => flashBytes))];
    expect(found.map((bytes) => Math.round(bytes / 1000))).toEqual([least, most, flash]);
  },
);

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'the centroids of docs/detection.md on a board', () => {
  it('are searched within its memory, and the exported C finds those of the reference', async () => {
    vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const blocks = blocksOf(page).filter(({ section }) => section === 'Centroids on a board');
    const textOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? '';
    const { path } = await makeBoxedImages(join(folder, 'faces'), { count: 40 });
    const [experiment, runs] = [join(folder, 'count.yaml'), join(folder, 'runs/count-faces')];
    writeFileSync(experiment, textOf('yaml').replace('path: faces', `path: ${path}`));
    const short = ['search.trials=2', 'train.steps=20', 'final=none', 'compress.max_accuracy_drop=1'];
    const [run, exported] = textOf('sh').trim().split('\n');
    const ran = await nasInside([
      ...run.replace('count.yaml', experiment).split(' ').slice(1),
      ...['--workdir', runs, ...short.flatMap((one) => ['--set', one])],
    ]);
    expect(ran).toMatchObject({ code: 0 });
    const counter = join(folder, 'counter');
    const words = exported.replace('runs/count-faces', runs).replace('-o counter', `-o ${counter}`).split(' ');
    await nasOut(...words.slice(1));
    expect(readFileSync(join(counter, 'model.h'), 'utf8')).toContain('#define NAS_STRIDE 8\n');
    for (const core of ['cortex-m4', 'cortex-m7'] as const)
      expect(await runOnBoard(core, counter, ['-O2'])).toMatch(/^0 wrong outputs of \d+\n$/);
  }, 300_000);
});
