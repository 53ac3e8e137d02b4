import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { openRun } from '../../api/run.js';
import { temporaryFolder } from '../support/temporary.js';

/** `npm run test:kills -- --study` sets more. */
const kills = Number(process.env['NAS_KILLS'] ?? 2);
const trials = 3 * kills + 20;

/** Tells pending trials first, then asks and tells; prints each number that it was given by `ask`. */
const program = (workdir: string): string => `
import { openStudy } from ${JSON.stringify(pathToFileURL(join(import.meta.dirname, '../../dist/api/index.js')).href)};
const study = await openStudy(${JSON.stringify({
  workdir,
  space: { type: 'mobilenet', preset: 'small' },
  input: [32, 32, 3],
  classes: 3,
  objectives: ['accuracy', 'macs'],
  search: { trials, controller: 'random' },
})});
const tell = ({ number }) => study.tell(number, { accuracy: 1 - 1 / (number + 1) });
console.log('open');
for (const trial of await study.pending()) await tell(trial);
for (let trial = await study.ask(); trial !== null; trial = await study.ask()) {
  console.log(trial.number);
  await tell(trial);
}
study.close();
`;

it('loses no trial and asks none twice when the asking process is killed at any moment', async () => {
  const folder = temporaryFolder();
  const workdir = join(folder, 'run');
  const file = join(folder, 'ask.mjs');
  writeFileSync(file, program(workdir));
  const random = new Random(1, 'kills');
  const given: number[] = [];
  for (let kill = 0; ; kill++) {
    const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    let isOpen = (): void => undefined;
    const opened = new Promise<void>((resolve) => (isOpen = resolve));
    createInterface(child.stdout).on('line', (line) => {
      if (line === 'open') isOpen();
      else given.push(Number(line));
    });
    if (kill < kills) {
      await Promise.race([opened, ended]);
      await sleep(random.int(30));
      child.kill('SIGKILL');
      await ended;
    } else {
      expect((await ended)[0]).toBe(0);
      break;
    }
  }
  const run = openRun(workdir);
  expect(run.status()).toMatchObject({ status: 'complete', counts: { complete: trials, running: 0, waiting: 0 } });
  expect(new Set(given).size).toBe(given.length);
  const found = run.trials();
  expect(found.map(({ number }) => number)).toEqual(Array.from({ length: trials }, (_, i) => i));
  expect(new Set(found.map(({ genotypeId }) => genotypeId)).size).toBe(trials);
  for (const { number, values } of found) expect(values['accuracy']).toBe(1 - 1 / (number + 1));
});
