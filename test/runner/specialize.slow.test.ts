import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runSpecialized, specialize } from '../../runner/specialize.js';
import { makeTinyDataset } from '../support/tiny-dataset.js';
import { nasInside, expectRefusal, nasOut } from '../cli/nas.js';
import { cachedFolder, ended, reading, start, writeExperiment } from './experiment.js';
import { findings } from './findings.js';
import { inside, runInside } from './inside.js';

describe('nas specialize', () => {
  const directory = cachedFolder();
  const first = join(directory, 'first');
  let device = '';
  /** `nas specialize` of the first run, refused before a worker starts. */
  const refused = (...args: readonly string[]) => nasInside(['specialize', first, ...args]);

  /** Four networks; a phone takes 1 to 4 ms for them. */
  const space =
    '{ type: mobilenet, width: 1, stem: { filters: 8, kernel: 3, stride: 2, act: relu }, head: { filters: 16, act: relu, dropout: 0 }, ' +
    'stages: [{ filters: [8, 16], expand: [2, 3], depth: 1, kernel: 3, stride: 2, act: relu, se: 0 }] }';
  const latencies = ['stage1.filters,stage1.expand,phone', '8,2,1', '8,3,2', '16,2,3', '16,3,4', ''].join('\n');

  beforeAll(async () => {
    const table = join(directory, 'phone.csv');
    writeFileSync(table, latencies);
    device = `table:file=${table},column=phone`;
    const file = writeExperiment(directory, {
      space,
      teacher: null,
      final: null,
      train: '{ epochs: 1, batch: 32 }',
      search: '{ controller: random, trials: 1, parallel: 1 }',
      supernet: '{ epochs: 2, networks: 1, calibration: 64 }',
    });
    await runInside(file, first);
  });

  it('finds a frontier for another device, from an experiment that nas run goes on with', async () => {
    const args = ['specialize', first, '--latency', '2.5', '--device', device, '--trials', '2'];
    const { code, output } = await ended(start(directory, args));
    expect(output).toMatch(/supernet accuracy/);
    expect(code).toBe(0);
    const workdir = join(directory, 'kills-table-2.5ms');
    const { status, trials, values: all } = findings(workdir);
    expect(status).toBe('complete');
    // Networks that are slower than predicted are pruned after the measurement.
    const within = all.filter((_, i) => trials[i].state === 'complete');
    expect(within.length).toBeGreaterThan(0);
    for (const { values } of within) {
      expect(values['latency_ms'].value).toBeLessThanOrEqual(2.5);
      expect(values).toHaveProperty('supernet_accuracy');
    }
    expect(existsSync(join(workdir, 'artifacts', 'supernet'))).toBe(false);
    const file = join(workdir, 'experiment.yaml');
    expect(readFileSync(file, 'utf8')).toMatch(/^# Searches the supernet of first/);
    await nasOut('run', file, '--workdir', workdir);
  });

  it("trains the frontier on, also of a specialization, whose supernet is the first run's", async () => {
    const workdir = join(directory, 'again');
    const from = join(directory, 'kills-table-2.5ms');
    const derived = specialize(from, { latencyMs: 9, trials: 1, epochs: 1, workdir });
    await runSpecialized(derived, { workers: inside }, () => undefined);
    const finals = reading(workdir, (store) => store.finals.all());
    expect(finals).toMatchObject([{ state: 'complete', epochs: 1, from: 'supernet' }]);
  });

  it('fails when no network is within the budget', async () => {
    await expectRefusal(
      refused('--latency', '0.5', '--device', device, '--trials', '2'),
      /latency_ms rejected \d+ \(smallest seen [\d.]+, max 0.5\)/,
      3,
    );
  });

  it('refuses invalid budgets, and folders of other runs', async () => {
    await expectRefusal(refused('--latency', '-1'), /--latency -[\d.]+: expected milliseconds above 0/);
    const other = join(directory, 'kills-table-2.5ms');
    const before = readFileSync(join(other, 'experiment.yaml'), 'utf8');
    await expectRefusal(refused('--latency', '1', '--workdir', other), /holds a run of another experiment/);
    expect(readFileSync(join(other, 'experiment.yaml'), 'utf8')).toBe(before);
    expect((await refused('--latency', '1', '--workdir', first)).err).toMatch(/would be overwritten/);
  });

  it('refuses other images than the supernet was trained with, as nas resume does', async () => {
    const data = join(directory, 'data');
    makeTinyDataset(data, { train: 21 });
    const { code, err } = await refused('--latency', '2.5', '--device', device, '--workdir', join(directory, 'other'));
    makeTinyDataset(data, { train: 20 });
    expect(code).toBe(5);
    expect(err).toMatch(/what the run reads changed since it began: data: .* images? added/);
    expect(existsSync(join(directory, 'other'))).toBe(false);
  });
});
