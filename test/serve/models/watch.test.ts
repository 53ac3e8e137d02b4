import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchModels } from '../../../serve/models/files.js';
import { temporaryFolder } from '../../support/temporary.js';

it('tells of files that came, changed and went, once they stay as they are', async () => {
  const folder = temporaryFolder();
  let changes = 0;
  let looks = 0;
  const stop = await watchModels(folder, { everyMs: 10, onChange: () => changes++ });
  onTestFinished(stop);
  const told = async (count: number): Promise<void> => {
    await expect.poll(() => changes, { interval: 5 }).toBe(count);
  };
  writeFileSync(join(folder, 'a.onnx'), '1');
  await told(1);
  writeFileSync(join(folder, 'a.onnx'), '22');
  await told(2);
  mkdirSync(join(folder, 'b'));
  writeFileSync(join(folder, 'b', 'model.onnx'), '1');
  await told(3);
  writeFileSync(join(folder, 'b', 'metadata.json'), '{}');
  await told(4);
  // Of the same size, and of no other time.
  writeFileSync(join(folder, '.new'), '3');
  renameSync(join(folder, '.new'), join(folder, 'b', 'model.onnx'));
  await told(5);
  rmSync(join(folder, 'b'), { recursive: true });
  await told(6);
  // A file that grows is not told of before it has grown.
  const growing = setInterval(() => writeFileSync(join(folder, 'a.onnx'), 'x'.repeat(++looks)), 1);
  await expect.poll(() => looks, { interval: 5 }).toBeGreaterThan(30);
  clearInterval(growing);
  await told(7);
  writeFileSync(join(folder, 'notes.txt'), 'of no interest');
  stop();
});
