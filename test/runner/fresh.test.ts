import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExperiment } from '../../experiments/index.js';
import { runExperiment } from '../../runner/index.js';
import { requireOutside } from '../../runner/provenance.js';
import { cachedFolder, writeExperiment } from './experiment.js';
import { inside } from './inside.js';

const directory = cachedFolder();

describe('nas run --fresh', () => {
  it.each([
    ['train.from', { train: '{ from: ./run/artifacts/frontier/trial-00001.onnx }' }],
    ['teacher.path', { teacher: '{ type: file, path: ./run/artifacts/frontier/trial-00001.onnx }' }],
    ['supernet.from', { supernet: '{ from: ./run }' }],
  ])('clears no run that %s reads', async (key, changes) => {
    const workdir = join(directory, 'run');
    for (const name of ['nas.sqlite', 'artifacts/frontier/trial-00001.onnx', 'artifacts/supernet/weights.bin']) {
      mkdirSync(dirname(join(workdir, name)), { recursive: true });
      writeFileSync(join(workdir, name), 'earlier');
    }
    const files = () => readdirSync(workdir, { recursive: true }).sort();
    const before = files();
    const loaded = loadExperiment(writeExperiment(directory, { teacher: null, ...changes }));
    const fresh = runExperiment(loaded, { workdir, fresh: true, workers: inside }, () => undefined);
    await expect(fresh).rejects.toThrow(`${key}: `);
    await expect(fresh).rejects.toThrow(/belongs to the run in .+, which --fresh removes/);
    expect(files()).toEqual(before);
  });

  it('clears a run that takes its latencies from another', () => {
    const other = join(directory, 'other');
    mkdirSync(other, { recursive: true });
    const changes = { teacher: null, latency: '{ from: ./other }' };
    const { experiment } = loadExperiment(writeExperiment(directory, changes));
    expect(() => requireOutside(join(directory, 'run'), experiment)).not.toThrow();
  });
});
