import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { watchModels } from '../../../cli/serve/watch.js';
import { temporaryFolder } from '../../support/temporary.js';

it('reports added, changed and removed files once they are stable', async () => {
  const folder = temporaryFolder();
  let changes = 0;
  let looks = 0;
  const stop = await watchModels(folder, { everyMs: 10, onChange: () => changes++ });
  onTestFinished(stop);
  const reports = async (count: number): Promise<void> => {
    await expect.poll(() => changes, { interval: 5 }).toBe(count);
  };
  writeFileSync(join(folder, 'a.onnx'), '1');
  await reports(1);
  writeFileSync(join(folder, 'a.onnx'), '22');
  await reports(2);
  mkdirSync(join(folder, 'b'));
  writeFileSync(join(folder, 'b', 'model.onnx'), '1');
  await reports(3);
  writeFileSync(join(folder, 'b', 'metadata.json'), '{}');
  await reports(4);
  // The same size and time.
  writeFileSync(join(folder, '.new'), '3');
  renameSync(join(folder, '.new'), join(folder, 'b', 'model.onnx'));
  await reports(5);
  rmSync(join(folder, 'b'), { recursive: true });
  await reports(6);
  // A growing file is reported when it has stopped growing.
  const growing = setInterval(() => writeFileSync(join(folder, 'a.onnx'), 'x'.repeat(++looks)), 1);
  await expect.poll(() => looks, { interval: 5 }).toBeGreaterThan(30);
  clearInterval(growing);
  await reports(7);
  writeFileSync(join(folder, 'notes.txt'), 'of no interest');
  stop();
});
