import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseExperiment } from '../../experiments/parse/index.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { nasVersion } from '../../base/modules.js';
import type { TrainingExperiment } from '../../experiments/schema/experiment.js';
import { specialize, specialized, type Specialization } from '../../runner/specialize.js';
import { deviceSchema } from '../../latency-models/index.js';
import { Store } from '../../store/index.js';
import { temporaryFolder } from '../support/temporary.js';

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
search: { controller: local, startup: 8, trials: 500, parallel: 2, fidelity: freeze-thaw, seed_from: runs/other }
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
  it('tries int8 as its run did, on measuring devices', () => {
    const whole = text
      .replace('predictor: model.json', 'predictor: { fp32: a.json, int8: b.json }')
      .concat('compress: { int8: auto, min_speedup: 1.2 }\n');
    const compress = { int8: 'auto', min_speedup: 1.2 };
    const own = derive({ epochs: 5 }, whole);
    expect(own).toMatchObject({
      compress,
      latency: { predictor: { int8: expect.stringContaining('b.json') as string } },
    });
    const other = derive({ device: deviceSchema.parse({ type: 'browser' }) }, whole);
    expect(other).toMatchObject({ compress, latency: { predictor: 'auto' } });
    const table = deviceSchema.parse({ type: 'table', file: 'latencies.csv', column: 'phone' });
    const looked = derive({ device: table, epochs: 5 }, whole);
    expect(looked.compress.int8).toBe('off');
  });

  it('keeps metrics by class in place of the accuracy, without their bounds', () => {
    const whole = text.replace(
      'name: accuracy, constraint: { min: 0.9 }',
      'name: worst_recall, constraint: { min: 0.9 }',
    );
    const { objectives } = derive({}, whole);
    expect(objectives.map(({ name }) => name)).toEqual(['worst_recall', 'latency_ms', 'macs']);
    expect(objectives[0]).not.toHaveProperty('constraint');
  });

  it('evaluates slices within the budget without training', () => {
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
    // The bound of another kind of accuracy is dropped.
    expect(derived.objectives[0]).not.toHaveProperty('constraint');
    expect(derived.search).toMatchObject({ controller: 'local', startup: 8, trials: 60, parallel: 2 });
    expect(derived.search).toMatchObject({ evaluate: 'supernet', fidelity: { type: 'none' } });
    expect(derived.search).not.toHaveProperty('seed_from');
  });

  it('has the device of the run, or another one without its predictor', () => {
    expect(derive().latency).toMatchObject({ device: { threads: 2 }, calibration: 20 });
    expect(derive().latency.predictor).toMatch(/model\.json$/);
    const { name, latency } = derive({ device: deviceSchema.parse({ type: 'browser', threads: 4 }), latencyMs: 8 });
    expect(name).toBe('whole-browser-8ms');
    expect(latency).toMatchObject({ device: { type: 'browser', threads: 4 }, predictor: 'auto', budget_ms: 8 });
  });

  it('keeps the workers of the run, which may measure', () => {
    const queue = "workers: { type: queue, url: 'redis://10.0.0.5' }\n";
    const device = deviceSchema.parse({ type: 'worker', tag: 'pi5' });
    const derived = derive({ device }, text.concat(queue));
    expect(derived.workers).toMatchObject({ type: 'queue', url: 'redis://10.0.0.5' });
    expect(derived.latency.device).toMatchObject({ type: 'worker', tag: 'pi5' });
    expect(() => derive({ device })).toThrow('such a device is a machine of a queue');
  });

  it('trains the frontier from the supernet with the settings of the run', () => {
    const { teacher, final } = derive({ epochs: 7 });
    expect(teacher.type).toBe('train');
    expect(final).toMatchObject({ epochs: 7, batch: 64, ema: 0.9, loss: { type: 'kd' }, from: 'supernet' });
  });
});

it('nas specialize refuses runs without a finished supernet', () => {
  const stored = (name: string, ...left: readonly string[]): string => {
    const lines = text.split('\n').filter((line) => !left.some((key) => line.startsWith(key)));
    const { experiment, source, written } = parseExperiment('whole.yaml', lines.join('\n'), { checkFiles: false });
    const workdir = join(temporaryFolder(), name);
    const meta = { name, seed: 5, source, experiment, written, threads: 1, version: nasVersion(), environment: {} };
    Store.create(databasePath(workdir), meta).close();
    return workdir;
  };
  const wanted = { latencyMs: 1, trials: 1 };
  expect(() => specialize(stored('without', 'supernet', 'final'), wanted)).toThrow(/has no supernet/);
  expect(() => specialize(stored('unfinished'), wanted)).toThrow(/is not trained to its end/);
  expect(() => specialize(join(temporaryFolder(), 'nowhere'), wanted)).toThrow(/holds no run/);
});
