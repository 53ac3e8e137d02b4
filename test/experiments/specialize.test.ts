import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import type { TrainingExperiment } from '../../experiments/schema.js';
import { specialized, type Specialization } from '../../experiments/specialize.js';
import { deviceSchema } from '../../latency-models/index.js';
import { Store } from '../../store/index.js';
import { ended, findings, start, writeExperiment } from './runner/kill-and-resume.js';

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

const derive = (wanted: Partial<Specialization> = {}): TrainingExperiment => {
  const { written, experiment } = parseExperiment('whole.yaml', text, { checkFiles: false });
  const derived = specialized('/runs/whole', written as Record<string, unknown>, experiment as TrainingExperiment, {
    latencyMs: 0.5,
    trials: 60,
    ...wanted,
  });
  return parseExperiment('derived.yaml', JSON.stringify(derived), { checkFiles: false })
    .experiment as TrainingExperiment;
};

describe('the experiment of a specialization', () => {
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

  it('trains the frontier from the supernet for as many epochs as it is told, as the run would', () => {
    const { teacher, final } = derive({ epochs: 7 });
    expect(teacher.type).toBe('train');
    expect(final).toMatchObject({ epochs: 7, batch: 64, ema: 0.9, loss: { type: 'kd' }, from: 'supernet' });
  });
});

describe('nas specialize', () => {
  let directory = '';
  let first = '';
  const nas = (...args: readonly string[]) => ended(start(directory, args));

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'nas-specialize-'));
    const file = writeExperiment(directory, {
      teacher: null,
      final: null,
      train: '{ epochs: 1, batch: 32 }',
      search: '{ controller: random, trials: 1, parallel: 1 }',
      supernet: '{ epochs: 2, networks: 1, calibration: 64 }',
      latency: '{ predictor: none }',
    });
    first = join(directory, 'first');
    const { code, output } = await nas('run', file, '--workdir', first);
    if (code !== 0) throw new Error(output);
  }, 180_000);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it(
    'finds a frontier for another budget, from an experiment that nas run goes on with',
    { timeout: 120_000 },
    async () => {
      const { code, output } = await nas('specialize', first, '--latency', '1000', '--trials', '3');
      expect(output).toMatch(/supernet accuracy/);
      expect(code).toBe(0);
      const workdir = join(directory, 'kills-1000ms');
      const { status, trials } = findings(workdir);
      expect(status).toBe('complete');
      expect(trials).toHaveLength(3);
      for (const { values } of trials)
        expect(Object.keys(values)).toEqual(expect.arrayContaining(['latency_ms', 'macs', 'supernet_accuracy']));
      expect(existsSync(join(workdir, 'artifacts', 'supernet'))).toBe(false);
      const file = join(workdir, 'experiment.yaml');
      expect(readFileSync(file, 'utf8')).toMatch(/^# Searches the supernet of first/);
      expect(await nas('run', file, '--workdir', workdir)).toMatchObject({ code: 0 });
      // Of a specialization, too: its supernet is the first run's.
      const again = await nas(
        'specialize',
        workdir,
        '--latency',
        '2000',
        '--trials',
        '1',
        '--epochs',
        '1',
        '--workdir',
        join(directory, 'again'),
      );
      expect(again.code).toBe(0);
      const store = Store.open(join(directory, 'again', 'nas.sqlite'), { readonly: true });
      expect(store.finals.all()).toMatchObject([{ state: 'complete', epochs: 1, from: 'supernet' }]);
      store.close();
    },
  );

  it('says when no network keeps the budget', { timeout: 60_000 }, async () => {
    const { code, output } = await nas('specialize', first, '--latency', '0.000001', '--trials', '2');
    expect(code).toBe(3);
    expect(output).toMatch(/latency_ms/);
  });

  it(
    'refuses runs without a supernet, budgets that are none, and folders of other runs',
    { timeout: 60_000 },
    async () => {
      const plain = writeExperiment(join(directory), {
        name: 'plain',
        teacher: null,
        final: null,
        train: '{ epochs: 1, batch: 32 }',
        search: '{ trials: 1, parallel: 1 }',
      });
      const workdir = join(directory, 'plain');
      expect((await nas('run', plain, '--workdir', workdir)).code).toBe(0);
      const without = await nas('specialize', workdir, '--latency', '1');
      expect(without).toMatchObject({ code: 2 });
      expect(without.output).toMatch(/has no supernet/);
      expect((await nas('specialize', first, '--latency', '-1')).output).toMatch(
        /--latency: expected milliseconds above 0/,
      );
      const other = await nas('specialize', first, '--latency', '1', '--workdir', workdir);
      expect(other).toMatchObject({ code: 2 });
      expect(other.output).toMatch(/holds a run of another experiment/);
      expect(existsSync(join(workdir, 'experiment.yaml'))).toBe(false);
    },
  );
});
