import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import { databasePath, nasVersion } from '../../experiments/runner/index.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { runSpecialized, specialize, specialized, type Specialization } from '../../experiments/specialize.js';
import { deviceSchema } from '../../latency-models/index.js';
import { Store } from '../../store/index.js';
import { nasInside } from '../cli/nas.js';
import { ended, start, writeExperiment } from './runner/experiment.js';
import { findings } from './runner/findings.js';
import { inside, runInside } from './runner/inside.js';

const text = `
name: whole
seed: 5
data: { type: fashion-mnist, subset: 0.5 }
space: { type: mobilenet, preset: tiny }
teacher: train
train: { epochs: 3, batch: 32, loss: { type: kd }, ema: 0.9 }
supernet: { epochs: 12 }
latency: { device: { threads: 2 }, budget_ms: 3, predictor: model.json, calibration: 20 }
objectives: [{ name: accuracy, constraint: { min: 0.9 } }, { name: macs, constraint: { max: 1000000 } }]
search: { controller: nsga2, population: 8, trials: 500, parallel: 2, fidelity: halving, seed_from: runs/other }
final: { epochs: 40, from: nothing, batch: 64 }
`;

const derive = (wanted: Partial<Specialization> = {}, whole = text): TrainingExperiment => {
  const { written, experiment } = parseExperiment('whole.yaml', whole, { checkFiles: false });
  const derived = specialized('/runs/whole', written as Record<string, unknown>, experiment as TrainingExperiment, {
    latencyMs: 0.5,
    trials: 60,
    ...wanted,
  });
  return parseExperiment('derived.yaml', JSON.stringify(derived), { checkFiles: false })
    .experiment as TrainingExperiment;
};

describe('the experiment of a specialization', () => {
  it('tries int8 as its run did, on any device that measures', () => {
    const whole = text
      .replace('predictor: model.json', 'predictor: { fp32: a.json, int8: b.json }')
      .replace('epochs: 40, ', 'epochs: 40, quantize_aware: { epochs: 1 }, ')
      .concat('compress: { int8: auto, min_speedup: 1.2 }\n');
    const compress = { int8: 'auto', min_speedup: 1.2 };
    const own = derive({ epochs: 5 }, whole);
    expect(own).toMatchObject({
      compress,
      latency: { predictor: { int8: expect.stringContaining('b.json') as string } },
    });
    expect(own.final?.quantize_aware).toEqual({ epochs: 1 });
    const other = derive({ device: deviceSchema.parse({ type: 'browser' }) }, whole);
    expect(other).toMatchObject({ compress, latency: { predictor: 'auto' } });
    const table = deviceSchema.parse({ type: 'table', file: 'latencies.csv', column: 'phone' });
    const looked = derive({ device: table, epochs: 5 }, whole);
    expect(looked.compress.int8).toBe('off');
    expect(looked.final).not.toHaveProperty('quantize_aware');
  });

  it('evaluates members of the supernet within the budget, and trains nothing', () => {
    const derived = derive();
    const whole = parseExperiment('whole.yaml', text, { checkFiles: false }).experiment as TrainingExperiment;
    expect(derived.name).toBe('whole-0.5ms');
    expect(derived).toMatchObject({ seed: 5, data: whole.data, space: whole.space, supernet: { from: '/runs/whole' } });
    expect(derived).toMatchObject({ teacher: { type: 'none' }, final: null });
    expect(derived.objectives).toMatchObject([
      { name: 'supernet_accuracy' },
      { name: 'latency_ms', constraint: { max: 0.5 } },
      { name: 'macs', constraint: { max: 1000000 } },
    ]);
    // What another kind of accuracy had to reach says nothing of this one.
    expect(derived.objectives[0]).not.toHaveProperty('constraint');
    expect(derived.search).toMatchObject({ controller: 'nsga2', population: 8, trials: 60, parallel: 2 });
    expect(derived.search).toMatchObject({ evaluate: 'supernet', fidelity: { type: 'none' } });
    expect(derived.search).not.toHaveProperty('seed_from');
  });

  it('has the device of the run, or another one, of which its predictor knows nothing', () => {
    expect(derive().latency).toMatchObject({ device: { threads: 2 }, calibration: 20 });
    expect(derive().latency.predictor).toMatch(/model\.json$/);
    const { name, latency } = derive({ device: deviceSchema.parse({ type: 'browser', threads: 4 }), latencyMs: 8 });
    expect(name).toBe('whole-browser-8ms');
    expect(latency).toMatchObject({ device: { type: 'browser', threads: 4 }, predictor: 'auto', budget_ms: 8 });
  });

  it('is searched by the workers of the run, on one of which it may be measured', () => {
    const queue = "workers: { type: queue, url: 'redis://10.0.0.5' }\n";
    const device = deviceSchema.parse({ type: 'worker', tag: 'pi5' });
    const derived = derive({ device }, text.concat(queue));
    expect(derived.workers).toMatchObject({ type: 'queue', url: 'redis://10.0.0.5' });
    expect(derived.latency.device).toMatchObject({ type: 'worker', tag: 'pi5' });
    expect(() => derive({ device })).toThrow('such a device is a machine of a queue');
  });

  it('trains the frontier from the supernet for as many epochs as it is told, as the run would', () => {
    const { teacher, final } = derive({ epochs: 7 });
    expect(teacher.type).toBe('train');
    expect(final).toMatchObject({ epochs: 7, batch: 64, ema: 0.9, loss: { type: 'kd' }, from: 'supernet' });
  });
});

describe('nas specialize', () => {
  let directory = '';
  let first = '';
  let device = '';
  /** `nas specialize` of the first run for a device; refusals come before a worker starts. */
  const refused = (...args: readonly string[]) => nasInside(['specialize', first, ...args]);

  /** Four networks; a phone takes 1 to 4 ms for them. */
  const space =
    '{ type: mobilenet, width: 1, stem: { filters: 8, kernel: 3, stride: 2, act: relu }, head: { filters: 16, act: relu, dropout: 0 }, ' +
    'stages: [{ filters: [8, 16], expand: [2, 3], depth: 1, kernel: 3, stride: 2, act: relu, se: 0 }] }';
  const latencies = ['stage1.filters,stage1.expand,phone', '8,2,1', '8,3,2', '16,2,3', '16,3,4', ''].join('\n');

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nas-specialize-'));
    vi.stubEnv('NAS_CACHE', join(directory, 'cache'));
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
    first = join(directory, 'first');
    await runInside(file, first);
  }, 240_000);
  afterAll(() => {
    vi.unstubAllEnvs();
    rmSync(directory, { recursive: true, force: true });
  });

  it(
    'finds a frontier for another device, from an experiment that nas run goes on with',
    { timeout: 240_000 },
    async () => {
      const args = ['specialize', first, '--latency', '2.5', '--device', device, '--trials', '2'];
      const { code, output } = await ended(start(directory, args));
      expect(output).toMatch(/supernet accuracy/);
      expect(code).toBe(0);
      const workdir = join(directory, 'kills-table-2.5ms');
      const { status, trials } = findings(workdir);
      expect(status).toBe('complete');
      // What was predicted to be fast enough and is not is measured, and goes no further.
      const within = trials.filter(({ state }) => state === 'complete');
      expect(within.length).toBeGreaterThan(0);
      for (const { values } of within) {
        expect(values['latency_ms'].value).toBeLessThanOrEqual(2.5);
        expect(values).toHaveProperty('supernet_accuracy');
      }
      expect(existsSync(join(workdir, 'artifacts', 'supernet'))).toBe(false);
      const file = join(workdir, 'experiment.yaml');
      expect(readFileSync(file, 'utf8')).toMatch(/^# Searches the supernet of first/);
      expect(await nasInside(['run', file, '--workdir', workdir])).toMatchObject({ code: 0 });
    },
  );

  it(
    "trains the frontier on, also of a specialization, whose supernet is the first run's",
    { timeout: 240_000 },
    async () => {
      const workdir = join(directory, 'again');
      const from = join(directory, 'kills-table-2.5ms');
      const derived = specialize(from, { latencyMs: 9, trials: 1, epochs: 1, workdir });
      await runSpecialized(derived, { workers: inside }, () => undefined);
      const store = Store.open(join(workdir, 'nas.sqlite'), { readonly: true });
      expect(store.finals.all()).toMatchObject([{ state: 'complete', epochs: 1, from: 'supernet' }]);
      store.close();
    },
  );

  it('says when no network keeps the budget', { timeout: 120_000 }, async () => {
    const { code, err } = await refused('--latency', '0.5', '--device', device, '--trials', '2');
    expect(code).toBe(3);
    expect(err).toMatch(/latency_ms rejected \d+ \(smallest seen [\d.]+, max 0.5\)/);
  });

  it('refuses budgets that are none, and folders of other runs', { timeout: 120_000 }, async () => {
    const negative = await refused('--latency', '-1');
    expect(negative).toMatchObject({ code: 2 });
    expect(negative.err).toMatch(/--latency: got -[\d.]+; expected milliseconds above 0/);
    const other = join(directory, 'kills-table-2.5ms');
    const before = readFileSync(join(other, 'experiment.yaml'), 'utf8');
    const taken = await refused('--latency', '1', '--workdir', other);
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.err).toMatch(/holds a run of another experiment/);
    expect(readFileSync(join(other, 'experiment.yaml'), 'utf8')).toBe(before);
    expect((await refused('--latency', '1', '--workdir', first)).err).toMatch(/would be overwritten/);
  });

  it('refuses runs whose supernet is missing or not trained to its end', () => {
    const begun = (name: string, ...left: readonly string[]): string => {
      const lines = text.split('\n').filter((line) => !left.some((key) => line.startsWith(key)));
      const { experiment, source, written } = parseExperiment('whole.yaml', lines.join('\n'), { checkFiles: false });
      const workdir = join(directory, name);
      const meta = { name, seed: 5, source, experiment, written, threads: 1, version: nasVersion(), environment: {} };
      Store.create(databasePath(workdir), meta).close();
      return workdir;
    };
    const wanted = { latencyMs: 1, trials: 1 };
    expect(() => specialize(begun('without', 'supernet', 'final'), wanted)).toThrow(/has no supernet/);
    expect(() => specialize(begun('unfinished'), wanted)).toThrow(/is not trained to its end/);
    expect(() => specialize(join(directory, 'nowhere'), wanted)).toThrow(/holds no run/);
  });
});
