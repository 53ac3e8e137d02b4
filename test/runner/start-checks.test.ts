import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { tryProvider } from '../../compiler/index.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { tinyClassifier } from '../deploy/tiny-onnx.js';
import { cachedFolder, writeExperiment } from './experiment.js';

const folder = cachedFolder();
let file = '';
beforeAll(() => {
  file = writeExperiment(folder, { teacher: null, final: null });
  writeFileSync(join(folder, 'none.json'), '{}');
  writeFileSync(join(folder, 'none.onnx'), 'none');
  writeFileSync(join(folder, 'none.mjs'), 'export const nothing = 1;');
  writeFileSync(join(folder, 'none.csv'), '');
});

/** Experiments that `nas run` refuses before its first training: an assignment, and what both commands say. */
const broken: readonly (readonly [set: string, says: string])[] = [
  ['search.enqueue=[{stage1_deph: 1}]', "has no decision 'stage1_deph'"],
  ['search.enqueue=[resnet-x9z]', 'got "resnet-x9z"'],
  ['search.enqueue=[{name: own, choices: {nothing: 3}}]', "has no decision 'nothing'"],
  ['search.seed_from=none.csv', 'none.csv'],
  ['search.controller={type: module, path: none.mjs}', 'none.mjs'],
  ['space.stages.0.filters=0', 'space.stages.0.filters'],
  ['space={type: module, path: none.mjs}', 'none.mjs'],
  ['data.path=none.csv', 'none.csv'],
  ['data.path=nowhere', 'nowhere'],
  ['train.from=none.onnx', 'none.onnx'],
  ['train.class_weight={Nobody: 2}', 'Nobody'],
  ['supernet.from=.', 'holds no run'],
  ['teacher={type: file, path: none.onnx, adapt: head}', 'none.onnx'],
  ['engine.provider=tpu', 'tpu'],
  ['latency.device.provider=tpu', 'tpu'],
  ['train.epochs=0', 'train.epochs'],
];

async function writeImage(to: string, seed: number): Promise<void> {
  mkdirSync(dirname(to), { recursive: true });
  const pixels = Buffer.from(Array.from({ length: 28 * 28 }, (_, i) => (i * seed) % 251));
  await sharp(pixels, { raw: { width: 28, height: 28, channels: 1 } }).toFile(to);
}

/** `nasInside` gives what run refuses to validate, and requires the same words. */
const run = (set: readonly string[]) =>
  nasInside(['run', file, '--workdir', join(folder, 'run'), ...set.flatMap((one) => ['--set', one])]);

/** As `broken`, found in the converted images. */
const inConverted: typeof broken = [
  ['train.batch=1000', 'a batch of 1000 images is more than the'],
  ['final={epochs: 1, folds: 150}', 'final.folds: '],
];

const hasCuda = (await tryProvider('cuda')) === null;
const path = process.env['PATH'];

describe('what nas run refuses before its first training', () => {
  it.each(broken)('nas validate refuses, too: %s', async (set, says) => {
    const more = set.startsWith('latency') ? ['objectives=[accuracy, latency_ms]'] : [];
    const own = set.replaceAll(/none\.\w+/g, (name) => join(folder, name));
    await expectRefusal(run([own, ...more]), says);
  });

  it.each([
    ['latency.from=none.json', 'none.json'],
    ['latency.predictor=none.json', 'none.json'],
  ])('nas validate refuses, too: %s', async (set, says) => {
    const own = [set.replace('none', join(folder, 'none')), 'objectives=[accuracy, latency_ms]'];
    await expectRefusal(nasInside(['validate', file, ...own.flatMap((one) => ['--set', one])]), says);
  });

  it.each(inConverted)('nas validate refuses what only converted images show: %s', async (set, says) => {
    await expectRefusal(run([set]), says);
  });

  it('nas validate refuses damaged images and too few of them', async () => {
    for (const [name, count] of [
      ['few', 1],
      ['many', 8],
    ] as const)
      for (const label of ['cat', 'dog'])
        for (let i = 0; i < count; i++)
          await writeImage(join(folder, name, label, `${i}.png`), 20 * i + label.charCodeAt(0));
    writeFileSync(join(folder, 'many', 'cat', 'x.png'), 'no image');
    const images = (path: string) => [`data={type: image-folder, path: ${join(folder, path)}, size: 28, channels: 1}`];
    await expectRefusal(run(images('few')), 'data: ');
    await expectRefusal(run(images('many')), 'x.png');
  });

  it('nas validate refuses a teacher of other classes, and a table of latencies of other networks', async () => {
    const classifier = tinyClassifier({
      input: ['N', 28, 28, 1],
      features: 784,
      classes: 3,
      weights: new Float32Array(784 * 3),
    });
    writeFileSync(join(folder, 'three.onnx'), classifier);
    await expectRefusal(run([`teacher={type: file, path: ${join(folder, 'three.onnx')}}`]), 'teacher.path: ');
    writeFileSync(join(folder, 'other.csv'), 'something,ms\n1,2\n');
    const table = `latency.device={type: table, file: ${join(folder, 'other.csv')}, column: ms}`;
    await expectRefusal(run(['objectives=[accuracy, latency_ms]', table]), 'latency.device: ');
  });

  it('nas validate refuses what this machine lacks; --quick does not try it', async () => {
    vi.stubEnv('PATH', folder);
    // Checked when the queue is opened, as is its server, whose silence is waited for.
    const missing: readonly (readonly string[])[] = [
      ['objectives=[accuracy, instructions]', 'compress={int8: require}'],
      [`workers={type: queue, url: "redis://127.0.0.1:1", password_file: ${join(folder, 'none.csv')}}`],
      ...(hasCuda
        ? []
        : [
            ['engine.provider=cuda'],
            ['objectives=[accuracy, latency_ms]', 'latency.device={type: local, provider: cuda}'],
          ]),
    ];
    try {
      for (const set of missing) {
        expect(await run(set)).toMatchObject({ code: 2 });
        const quick = await nasInside(['validate', file, '--quick', ...set.flatMap((one) => ['--set', one])]);
        expect(quick).toMatchObject({ code: 0, out: expect.stringMatching(/^valid/) as string });
      }
    } finally {
      vi.stubEnv('PATH', path);
    }
  });
});

describe('nas validate', () => {
  it('converts the images once, as nas run would, and writes nothing else', async () => {
    const validated = await nasInside(['validate', file, '--set', 'data.subset=0.7']);
    expect(validated).toMatchObject({ code: 0, out: expect.stringMatching(/^valid/) as string });
    expect(existsSync(join(folder, 'run'))).toBe(false);
    expect(readdirSync(join(folder, 'cache'))).toEqual(['data']);
  });
});
