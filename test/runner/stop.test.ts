import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/parse/index.js';
import { runExperiment } from '../../runner/index.js';
import { requestStop, stopSignal } from '../../runner/stop.js';
import { lockWorkdir } from '../../store/index.js';
import { stopFile } from '../../runner/stored/workdir.js';
import { nasInside, expectRefusal } from '../cli/nas.js';
import { cachedFolder, writeExperiment } from './experiment.js';
import { findings } from './findings.js';
import { inside, resumeInside } from './inside.js';

const directory = cachedFolder();
const file = writeExperiment(directory);

it('a run stops when a program asks for it, and a request to an earlier run does not stop a later one', async () => {
  const workdir = join(directory, 'asked');
  const set = ['teacher=none', 'train.epochs=1', 'search.trials=4', 'search.parallel=1', 'final.epochs=1'];
  let finished = 0;
  const { state } = await runExperiment(loadExperiment(file, { set }), { workdir, workers: inside }, ({ kind }) => {
    if (kind === 'trial-finished' && ++finished === 1) requestStop(workdir);
  });
  expect([state, findings(workdir).status]).toEqual(['interrupted', 'interrupted']);
  expect(existsSync(stopFile(workdir))).toBe(false);
  writeFileSync(stopFile(workdir), `${JSON.stringify({ pid: process.pid, since: '2026-01-02T03:04:05.000Z' })}\n`);
  await resumeInside(workdir);
  expect(findings(workdir).trials).toHaveLength(4);
  // Commands that work in a complete run watch for requests, too.
  const lock = lockWorkdir(workdir);
  const { signal, end } = stopSignal(workdir, new AbortController().signal);
  expect(signal.aborted).toBe(false);
  requestStop(workdir);
  await expect.poll(() => signal.aborted).toBe(true);
  end();
  lock.release();
  expect(existsSync(stopFile(workdir))).toBe(false);
  await expectRefusal(nasInside(['stop', workdir]), 'the run is not going on: it is complete');
});
