import { copyFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../support/temporary.js';
import { prepareFolder } from './recipe-folder.js';
import { fileOf, itRunsThePage } from './recipe-page.js';

const folder = sharedFolder();

beforeAll(async () => {
  await prepareFolder(folder);
  copyFileSync(fileOf('test/compiler/foreign/fixtures/mobilenet_v2-inference.onnx'), join(folder, 'mobilenet.onnx'));
  cpSync(join(folder, 'tags'), join(folder, 'more'), { recursive: true });
});

describe('from a few images and a file of another program to a served network', () => {
  const printed = itRunsThePage('docs/pretrained.md', { folder, python: undefined });

  it('shows what tuning brings, and answers with a class', () => {
    const [tuned, evaluated, served] = printed.values();
    expect(tuned).toMatch(/as it was \(other outputs\) +– +–/);
    expect(tuned).toMatch(/fine-tuned|with a new head/);
    expect(evaluated).toMatch(/accuracy +\d+\.\d\d % ± [\d.]+ of \d+ images of the test split/);
    expect(served).toMatch(/"class":"(circles|squares|stripes)"/);
  });
});
