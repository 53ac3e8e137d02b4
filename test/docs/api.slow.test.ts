import { beforeAll, describe, expect, it } from 'vitest';
import { sharedFolder } from '../support/temporary.js';
import { runShell } from './recipe-commands.js';
import { prepareFolder } from './recipe-folder.js';
import { itRunsThePage } from './recipe-page.js';

const folder = sharedFolder();

beforeAll(() => prepareFolder(folder));

describe('the programs of docs/api.md', () => {
  const printed = itRunsThePage('docs/api.md', { folder, python: undefined });

  it('have the types that the package declares', async () => {
    const options = '--noEmit --strict --skipLibCheck --types node --target es2022 --module nodenext';
    const files = 'first.mts later.mts study.mts parts.mts';
    await runShell(`node node_modules/typescript/bin/tsc ${options} ${files}`, { folder, python: undefined });
  });

  it('print what the page says', () => {
    const [first, later, study, python, parts] = printed.values();
    expect(first).toMatch(/trial 3 is complete\n/);
    expect(first).toMatch(/file: '.*\.onnx'/);
    expect(later).toMatch(/complete 6\ninvalid-input .*width: got 7; expected one of/);
    expect(later).toMatch(/whole is next/);
    expect(study).toMatch(/accuracy.*energy_mj.*MACs/);
    expect(python.trim().split('\n').length).toBeGreaterThan(1);
    expect(parts).toMatch(/\d+ decisions; one network at random/);
  });
});
