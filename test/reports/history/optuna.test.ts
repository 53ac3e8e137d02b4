import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { collectFrontier } from '../../../reports/index.js';
import { nasInside, expectRefusal, nasOut } from '../../cli/nas.js';
import { sharedFolder } from '../../support/temporary.js';
import { addCurves } from './stored-history.js';
import { storedRunInPrecisions } from '../read-model/precisions.js';

/** Opens the study in Optuna and prints it as JSON. */
const reader = `
import json, sys, optuna
study = optuna.load_study(study_name='stored', storage='sqlite:///' + sys.argv[1])
plain = lambda t: dict(number=t.number, state=t.state.name, values=t.values, params=t.params, attrs=t.user_attrs,
    distributions={k: optuna.distributions.distribution_to_json(d) for k, d in t.distributions.items()},
    steps=t.intermediate_values, start=t.datetime_start and t.datetime_start.timestamp(),
    end=t.datetime_complete and t.datetime_complete.timestamp())
json.dump(dict(name=study.study_name, names=study.metric_names, directions=[d.name for d in study.directions],
    trials=[plain(t) for t in study.trials], best=[plain(t) for t in study.best_trials]), sys.stdout)
# The sampler continues the study in its space.
study.ask({k: d for t in study.trials for k, d in t.distributions.items()})
`;

interface Read {
  readonly name: string;
  readonly names: readonly string[];
  readonly directions: readonly string[];
  readonly trials: readonly ReadTrial[];
  readonly best: readonly ReadTrial[];
}

interface ReadTrial {
  readonly number: number;
  readonly state: string;
  readonly values: readonly number[] | null;
  readonly params: Readonly<Record<string, unknown>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly distributions: Readonly<Record<string, string>>;
  readonly steps: Readonly<Record<string, number>>;
  readonly start: number;
  readonly end: number;
}

const optuna = '/usr/lib/python3/dist-packages/optuna';
const described = existsSync(optuna) ? describe : describe.skip;

described('nas export --to optuna, read by Optuna (python3-optuna)', () => {
  const folder = sharedFolder();
  const file = join(folder, 'study.db');
  let read: Read;
  let store: Awaited<ReturnType<typeof storedRunInPrecisions>>;

  beforeAll(async () => {
    store = await storedRunInPrecisions(join(folder, 'run'), 30);
    addCurves(store);
    const ended = await nasInside(['export', store.directory, '--to', 'optuna', file]);
    expect(ended).toMatchObject({ code: 0, err: expect.stringContaining('study stored, 42 trials') as string });
    const python = ['-W', 'ignore', '-c', reader, file];
    read = JSON.parse(execFileSync('/usr/bin/python3', python, { encoding: 'utf8' })) as Read;
  }, 60_000);

  it('has the objectives, and all trials with values, params and times', () => {
    expect(read).toMatchObject({
      name: 'stored',
      names: ['accuracy', 'latency_ms'],
      directions: ['MAXIMIZE', 'MINIMIZE'],
    });
    for (const { number, choices, values, askedAt, finishedAt } of store.trials.all()) {
      const own = read.trials[number];
      expect(own).toMatchObject({ number, state: 'COMPLETE', params: choices });
      expect(own.values).toEqual([values['accuracy'].value, values['latency_ms'].value]);
      expect([own.start, own.end]).toEqual([askedAt / 1000, (finishedAt ?? 0) / 1000]);
      expect(own.attrs).toMatchObject({ name: `trial-${number}`, macs: expect.any(Number) as number });
    }
    expect(read.trials[0].steps).toEqual({ 1: 0.5, 2: 0.6 });
  });

  it('finds our frontier as best trials', () => {
    const ours = collectFrontier(store).map(({ number, precision, values }) => ({
      name: `trial-${number}${precision === store.trials.get(number)?.precision ? '' : `.${precision ?? ''}`}`,
      values: [values['accuracy'], values['latency_ms']],
    }));
    const theirs = read.best.map(({ attrs, values }) => ({ name: attrs['name'], values }));
    expect(theirs).toHaveLength(ours.length);
    expect(theirs).toEqual(expect.arrayContaining(ours));
    expect(ours.some(({ name }) => name.endsWith('.fp32'))).toBe(true);
  });

  it('says which choices there are, tried or not', () => {
    const { distributions } = read.trials[0];
    const kernel = Object.entries(distributions).find(([name]) => name.endsWith('kernel'))?.[1] ?? '';
    expect(JSON.parse(kernel)).toEqual({
      name: 'IntDistribution',
      attributes: { log: false, step: 2, low: 3, high: 5 },
    });
    const categories = Object.values(distributions).filter((one) => one.includes('CategoricalDistribution'));
    expect(categories.length).toBeGreaterThan(0);
  });

  it('replaces no file without --force', async () => {
    const again = ['export', store.directory, '--to', 'optuna', '-o', file];
    await expectRefusal(nasInside(again), 'study.db');
    await nasOut(...again, '--force');
    await expectRefusal(nasInside([...again, '--trial', '3']), '--trial goes with networks');
  });
});
