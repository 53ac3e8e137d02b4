import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { ended, start } from '../experiment.js';
import { repeated, RunToShrink } from './shrinking.js';

const run = new RunToShrink();

/** Starts shrinking and stops it with a signal once its fine-tuning has written another checkpoint. */
async function stopped(folder: string, signal: 'SIGINT' | 'SIGKILL', args: readonly string[]) {
  const checkpoint = join(folder, 'artifacts', 'shrunk', '00000', 'checkpoint.bin');
  const stamp = (): number => (existsSync(checkpoint) ? statSync(checkpoint).mtimeMs : 0);
  const before = stamp();
  const child = start(run.directory, ['shrink', folder, ...args]);
  const over = ended(child);
  while (stamp() === before && child.exitCode === null) await sleep(5);
  child.kill(signal);
  return over;
}

/** Enough to be stopped twice before the end, on a fast machine, too. */
const epochs = 12;

it('nas shrink continues after Ctrl-C and after a kill, to the same result', { timeout: 300_000 }, async () => {
  const folder = run.copy('whole');
  const budget = Math.round(0.6 * run.macs);
  await run.shrink(folder, { target: { objective: 'macs', value: budget }, epochs });
  const again = run.copy('killed');
  const args = [`${run.trial}`, '--macs', `${budget}`, '--epochs', `${epochs}`];
  expect(await stopped(again, 'SIGINT', args)).toMatchObject({
    code: 130,
    output: expect.stringContaining('the same command continues') as string,
  });
  expect((await stopped(again, 'SIGKILL', args)).code).toBeNull();
  const last = await ended(start(run.directory, ['shrink', again, ...args, '--json']));
  expect(last.code, last.output).toBe(0);
  expect(last.output).toContain('Shrunk network 0 was begun and goes on');
  expect(JSON.parse(last.output.slice(last.output.indexOf('{\n')))).toMatchObject({ number: 0 });
  expect(repeated(again)).toEqual(repeated(folder));
});
