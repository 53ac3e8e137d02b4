import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { nasInside } from '../cli/nas.js';
import { sharedFolder } from '../support/temporary.js';
import { trainedDetector } from '../support/trained-detector.js';
import { blocksOf } from './recipe-blocks.js';

const folder = sharedFolder();
const sections = ['Evaluate a file', 'Int8', 'Boxes inside the file'];

it('the commands for files of detectors in docs/detection.md run', async () => {
  vi.stubEnv('NAS_CACHE', join(folder, 'cache'));
  const { config, onnx } = await trainedDetector(folder, join(folder, 'cache'));
  const at = (name: string): string => join(folder, name);
  writeFileSync(at('model.onnx'), onnx);
  expect((await nasInside(['export', at('model.onnx'), '--to', 'tflite', '-o', folder, '--force'])).code).toBe(0);
  const page = readFileSync(new URL('../../docs/detection.md', import.meta.url), 'utf8');
  const commands = blocksOf(page)
    .filter(({ language, section }) => language === 'sh' && sections.includes(section))
    .flatMap(({ text }) => text.trim().split('\n'))
    .map((line) => line.replace(/ +#.*/, ''));
  expect(commands.length).toBeGreaterThan(4);
  for (const command of commands) {
    const words = command
      .replaceAll(/\S+\.(onnx|tflite)|(?<=-o )app/g, at)
      .replaceAll(/runs\/faces|boxes:faces/g, `boxes:${config.path}`)
      .split(' ');
    const { code, err } = await nasInside(words.slice(1));
    expect({ command, code, err }).toMatchObject({ code: 0 });
  }
  vi.unstubAllEnvs();
}, 180_000);
