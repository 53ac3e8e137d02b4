import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSpace } from '../../spaces/index.js';
import { describeSpace } from './contract.js';
import { complaint, fashion } from './make.js';

const directory = import.meta.dirname;

describeSpace('a module', () => createSpace({ type: 'module', path: './fixtures/space.mjs' }, fashion, { directory }));

describe('module', () => {
  it('takes absolute paths too', async () => {
    const path = join(directory, 'fixtures', 'space.mjs');
    expect((await createSpace({ type: 'module', path }, fashion)).name).toBe('one-block');
  });

  it.each([
    ['./fixtures/none.mjs', /space\.path: there is no file .*none\.mjs/],
    ['./fixtures/broken.mjs', /space\.path: cannot import .*broken\.mjs/],
    ['./fixtures/no-default.mjs', /no-default\.mjs: must be the default export/],
    ['./fixtures/no-choices.mjs', /no-choices\.mjs: space\.decisions\.0\.choices: /],
    ['./fixtures/no-space.mjs', /no-space\.mjs: space: .*expected object/],
    ['./fixtures/same-names.mjs', /same-names\.mjs: space\.decisions: must have different names/],
    ['./fixtures/cannot-build.mjs', /cannot-build\.mjs: cannot build the network of all first choices: no such width/],
  ])('refuses %s', async (path, message) => {
    expect(await complaint({ type: 'module', path })).toMatch(message);
  });

  it('is refused for images with boxes where its networks are no detectors', async () => {
    const classifiers = createSpace(
      { type: 'module', path: './fixtures/space.mjs' },
      { ...fashion, maps: 'detection' },
      { directory },
    );
    await expect(classifiers).rejects.toThrow('it is for a row of outputs, and the data is for detection');
  });
});
