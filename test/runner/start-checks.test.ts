import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { nasInside } from '../cli/nas.js';
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
  ['teacher={type: onnx, path: none.onnx, adapt: head}', 'none.onnx'],
  ['engine.provider=tpu', 'tpu'],
  ['latency.device.provider=tpu', 'tpu'],
  ['train.epochs=0', 'train.epochs'],
];

describe('what nas run refuses before its first training', () => {
  it.each(broken)('nas validate refuses, too: %s', async (set, says) => {
    const more = set.startsWith('latency') ? ['--set', 'objectives=[accuracy, latency_ms]'] : [];
    const args = [file, '--set', set.replaceAll(/none\.\w+/g, (name) => join(folder, name)), ...more];
    const [run, validated] = [
      await nasInside(['run', ...args, '--workdir', join(folder, 'run')]),
      await nasInside(['validate', ...args]),
    ];
    expect(run).toMatchObject({ code: 2, err: expect.stringContaining(says) as string });
    expect(validated).toMatchObject({ code: 2, err: expect.stringContaining(says) as string });
  });

  it.each([
    ['latency.from=none.json', 'none.json'],
    ['latency.predictor=none.json', 'none.json'],
  ])('nas validate refuses, too: %s', async (set, says) => {
    const own = [set.replace('none', join(folder, 'none')), 'objectives=[accuracy, latency_ms]'];
    const { code, err } = await nasInside(['validate', file, ...own.flatMap((one) => ['--set', one])]);
    expect(code).toBe(2);
    expect(err).toContain(says);
  });
});
