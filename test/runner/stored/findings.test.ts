import { cpSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { findingsHash } from '../../../runner/stored/findings.js';
import { databasePath, trialFolder, weightsFile } from '../../../runner/stored/workdir.js';
import { Store } from '../../../store/index.js';
import { writeTensorFile } from '../../../trainers/tensor-file.js';
import { storedRun } from '../../cli/stored-run.js';
import { sharedFolder } from '../../support/temporary.js';

const folder = sharedFolder();
const original = join(folder, 'original');

beforeAll(async () => {
  await storedRun(original, 3);
  writeWeights(original, 1, 4);
});

function writeWeights(workdir: string, weight: number, seconds: number): void {
  const path = join(workdir, trialFolder('search', 0), weightsFile);
  mkdirSync(dirname(path), { recursive: true });
  writeTensorFile(path, { seconds }, new Map([['w', { shape: [1], data: Float32Array.of(weight) }]]));
}

/** The hash of a copy of the run that `change` changed. */
function hashOf(name: string, change: (store: Store, workdir: string) => void): string {
  const workdir = join(folder, name);
  cpSync(original, workdir, { recursive: true });
  using store = Store.open(databasePath(workdir));
  change(store, workdir);
  return findingsHash(store, workdir);
}

it('is the same for other times and latencies, and another for a weight or an accuracy', () => {
  const expected = hashOf('same', () => undefined);
  const others = {
    time: hashOf('time', (_, workdir) => writeWeights(workdir, 1, 5)),
    latency: hashOf('latency', ({ trials }) => trials.revise(0, { latency_ms: { value: 9, provenance: 'measured' } })),
    weight: hashOf('weight', (_, workdir) => writeWeights(workdir, 1 + 2 ** -23, 4)),
    accuracy: hashOf('accuracy', ({ trials }) =>
      trials.revise(0, { accuracy: { value: 0.5, provenance: 'measured' } }),
    ),
  };
  expect(others.time).toBe(expected);
  expect(others.latency).toBe(expected);
  expect(new Set([expected, ...Object.values(others)]).size).toBe(3);
});
