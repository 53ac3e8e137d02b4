import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { exportWeb } from '../../deploy/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { metadataFor } from './support/classifiers.js';

const metadata = metadataFor([24, 32, 1], ['cat', 'dog']);

it('writes names with hashes, and their compressed forms', async () => {
  const folder = join(temporaryFolder(), 'site');
  await exportWeb(new Uint8Array(64), metadata, folder);
  const names = readdirSync(folder);
  const hashed = names.filter((name) => /\.[0-9a-f]{16}\.\w+$/.test(name));
  expect(hashed.map((name) => name.replace(/\.[0-9a-f]{16}/, '')).sort()).toEqual([
    'classify.js',
    'facts.json',
    'model.onnx',
    'ort.mjs',
    'ort.wasm',
    'page.js',
    'style.css',
  ]);
  expect(names.sort()).toEqual(
    [...hashed.flatMap((name) => [name, `${name}.br`, `${name}.gz`]), 'index.html', 'service-worker.js'].sort(),
  );
});
