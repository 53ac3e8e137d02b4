import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { prepareDataset, proxies, proxyBatch } from '../../../trainers/index.js';
import { type Network } from '../../../spaces/index.js';
import { reportFiles } from '../../../ui/index.js';
import { nasInside } from '../../cli/nas.js';
import { cachedFolder, reading, writeExperiment } from './experiment.js';
import { interruptInside, runInside } from './inside.js';

const folder = cachedFolder();
const workdir = join(folder, 'run');
let file = '';

/**
 * All that proxies can be at once: an objective, a bound, a filter; with a baseline before them and trials that are
 * stopped and go on.
 */
beforeAll(async () => {
  file = writeExperiment(folder, {
    name: 'proxies',
    teacher: null,
    train: '{ epochs: 2, batch: 32, checkpoint_seconds: 0.1 }',
    objectives: '[accuracy, macs, { name: naswot, constraint: { min: 260 } }]',
    search: `{
  controller: nsga2, population: 3, trials: 7, parallel: 2, retries: 10, fidelity: { type: asha, eta: 2 },
  enqueue: [mobilenet-x0.25], filter: { proxy: synflow, of: 3 } }`,
    final: null,
  });
  await runInside(file, workdir, { report: reportFiles });
}, 200_000);

const stored = () =>
  reading(workdir, (store) =>
    store.trials.all().map((trial) => ({
      ...trial,
      network: store.networks.get(trial.genotypeId) as Network,
      epochs: store.curves.of({ stage: 'search', trial: trial.number }).length,
    })),
  );

describe('zero-cost proxies in a run', () => {
  it('are those of the very weights that training begins with, and are kept of every trial', async () => {
    const { data, seed } = trainingOf(loadExperiment(file));
    const batch = proxyBatch(await prepareDataset(data, { cache: join(folder, 'cache') }), seed);
    for (const { network, seed: initial, values } of stored()) {
      const { naswot } = await proxies(network, { seed: initial, batch, names: ['naswot'] });
      expect(values['naswot']).toEqual({ value: naswot, provenance: 'computed' });
    }
  });

  it('bound what is trained', () => {
    const trials = stored();
    const [kept, broken] = [true, false].map((keeps) =>
      trials.filter(({ values }) => values['naswot'].value >= 260 === keeps),
    );
    expect(kept.length).toBeGreaterThan(1);
    expect(broken.length).toBeGreaterThan(0);
    for (const { epochs } of kept) expect(epochs).toBeGreaterThan(0);
    for (const { state, message, epochs } of broken) {
      expect(message).toMatch(/^before training: naswot is \d+(\.\d+)? \(min 260\)$/);
      expect({ state, epochs }).toEqual({ state: 'pruned', epochs: 0 });
    }
  });

  it('choose among the proposals of the controller, never before what was given beforehand', () => {
    const [first, ...others] = stored().map(({ reason }) => reason);
    expect(first).toBe('enqueued: mobilenet-x0.25');
    for (const reason of others)
      expect(reason).toMatch(/^best of 3 by synflow \(-?[\d.]+\): (random|mutation|crossover)/);
  });

  it('are shown, as are the reasons of what was given up', async () => {
    const trials = stored();
    const page = readFileSync(join(workdir, 'report.html'), 'utf8');
    const table = (await nasInside(['trials', workdir])).out;
    expect(table).toContain('NASWOT');
    expect(page).toContain('NASWOT');
    expect(page).toContain('mobilenet-x0.25');
    const givenUp = trials.filter(({ state }) => state === 'pruned');
    expect(new Set(givenUp.map(({ message }) => message?.split(' ')[0]))).toEqual(new Set(['before', 'stopped']));
    for (const { number, message } of givenUp) {
      expect(table).toContain(message);
      expect(page).toContain(message);
      expect((await nasInside(['show', workdir, String(number)])).out).toContain(message);
    }
  });
});

describe('a space of few networks', () => {
  it('is searched to its end, whatever the budget, although an objective is constant', async () => {
    const space = { type: 'mobilenet', width: 1, stem: { filters: 8 }, stages: [{ filters: 8, kernel: [3, 5] }] };
    const small = writeExperiment(folder, {
      name: 'small',
      teacher: null,
      space: JSON.stringify(space),
      train: '{ epochs: 1, batch: 64 }',
      objectives: '[accuracy, activation_bytes]',
      search: '{ trials: 6, parallel: 1, filter: { proxy: naswot, of: 4 } }',
      final: null,
    });
    const { expected, events } = await runInside(small, join(folder, 'small-run'));
    expect(JSON.stringify(events)).toMatch(/all 2 networks .* were tried; the search ends after 2 trials/);
    const { trials, status } = expected;
    expect({ status, states: trials.map(({ state }) => state) }).toEqual({
      status: 'complete',
      states: ['complete', 'complete'],
    });
  });
});

describe('zero-cost proxies as features of the surrogate', () => {
  it(
    'choose among its proposals once it has learnt, the same after an interruption',
    { timeout: 300_000 },
    async () => {
      const features = writeExperiment(folder, {
        name: 'features',
        teacher: null,
        train: '{ epochs: 1, batch: 32, checkpoint_seconds: 0.1 }',
        search: '{ trials: 3, startup: 2, parallel: 1, retries: 10, features: { proxies: [naswot, gradnorm], of: 2 } }',
        final: null,
      });
      const undisturbed = await runInside(features, join(folder, 'features-run'));
      const { trials } = undisturbed.expected;
      for (const { reason } of trials.slice(2))
        expect(reason).toMatch(/^best of 2 by features \(naswot [\d.]+, gradnorm [\d.]+\): /);
      // Its third network is the first that is chosen by them.
      expect(await interruptInside(features, join(folder, 'features-stopped'), 2)).toEqual(undisturbed.expected);
    },
  );
});
