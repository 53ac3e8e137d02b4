import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../support/temporary.js';
import { blocksOf } from './recipe-blocks.js';
import { runShell } from './recipe-commands.js';
import { prepareFolder } from './recipe-folder.js';

const file = (name: string): string => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const blocks = blocksOf(readFileSync(file('docs/pretrained.md'), 'utf8'));
const folder = sharedFolder();
const printed: string[] = [];

beforeAll(async () => {
  await prepareFolder(folder);
  copyFileSync(file('test/compiler/foreign/fixtures/mobilenet_v2-inference.onnx'), join(folder, 'mobilenet.onnx'));
  cpSync(join(folder, 'tags'), join(folder, 'more'), { recursive: true });
});

describe('from a few images and a file of another program to a served network', () => {
  for (const { file: name, flags, text, line } of blocks) {
    if (name !== undefined) it(`writes ${name}`, () => writeFileSync(join(folder, name), text));
    else if (flags.includes('run'))
      it(`line ${line}: ${text.split('\n')[0]}`, async () => {
        printed.push(await runShell(text, { folder, python: undefined }));
      }, 120_000);
  }

  it('shows what tuning brings, and answers with a class', () => {
    const [tuned, evaluated, served] = printed;
    expect(tuned).toMatch(/as it was \(other outputs\) +– +–/);
    expect(tuned).toMatch(/fine-tuned|with a new head/);
    expect(evaluated).toMatch(/accuracy +\d+\.\d\d % of \d+ images of the test split/);
    expect(served).toMatch(/"class":"(circles|squares|stripes)"/);
  });
});
