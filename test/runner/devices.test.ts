import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent, RunObserver } from '../../runner/events.js';
import { type Network } from '../../spaces/index.js';
import { fitLatencyModel } from '../../latency-models/index.js';
import { testAgent } from '../latency-models/devices/agents.js';
import { temporaryFolder } from '../support/temporary.js';
import { cachedFolder, reading, writeExperiment, drawLatencies } from './experiment.js';
import { runInside } from './inside.js';

const quick = [
  'teacher=none',
  'train.epochs=1',
  'search.trials=2',
  'search.parallel=1',
  'objectives=[accuracy, latency_ms]',
];
const calibration = 4;
const directory = cachedFolder();

async function run(device: string, more = '', set: readonly string[] = quick, observe?: RunObserver) {
  const workdir = join(temporaryFolder(), 'run');
  const latency = `{calibration: ${calibration}, device: ${device}${more}}`;
  const file = writeExperiment(directory, { latency, final: null });
  const { events, expected } = await runInside(file, workdir, { set, observe });
  return { workdir, events: JSON.stringify(events), expected };
}

const latencies = (workdir: string) =>
  reading(workdir, (store) => store.trials.all().map(({ state, values }) => ({ state, ...values['latency_ms'] })));

describe('a run', () => {
  it('is steered by a table and a stored model, and says which latencies the table has and which follow', async () => {
    const { timed, table } = await drawLatencies(60);
    const [stored, csv] = ['model.json', 'phone.csv'].map((name) => join(temporaryFolder(), name));
    writeFileSync(stored, JSON.stringify(fitLatencyModel(timed.slice(0, 20)).toJSON()));
    writeFileSync(csv, table);
    const { workdir } = await run(`{type: table, file: ${csv}, column: pixel}`, `, predictor: ${stored}`);
    for (const { state, provenance } of latencies(workdir)) {
      expect(state).toBe('complete');
      expect(['imported', 'predicted']).toContain(provenance);
    }
    const measured = reading(workdir, (store) => store.measurements.all());
    expect(measured[0].device).toBe('table/phone.csv/pixel');
    expect(measured.filter(({ purpose }) => purpose === 'calibration')).toEqual([]);
  });

  it('predicts by what it calibrates with, as a resumed run would, and passes its model on', async () => {
    const { workdir } = await run('local');
    const { observations, network, predicted } = reading(workdir, (store) => ({
      observations: store.measurements
        .all()
        .filter(({ purpose }) => purpose === 'calibration')
        .map((record) => ({
          network: store.networks.get(record.genotypeId) as Network,
          ms: record.ms,
        })),
      network: store.networks.get(store.trials.all()[0].genotypeId) as Network,
      predicted: store.trials.prediction(store.trials.all()[0].number),
    }));
    expect(observations).toHaveLength(calibration);
    expect(fitLatencyModel(observations).predict(network)).toEqual(predicted);

    // Two runs that take latency from it are equal, and keep its model when it is gone.
    const from = (folder: string) => run('local', `, budget_ms: 100, from: ${folder}`, [...quick, 'search.trials=1']);
    const second = await from(workdir);
    expect(latencies(second.workdir).map(({ provenance }) => provenance)).toEqual(['predicted']);
    expect(reading(second.workdir, (store) => store.measurements.all())).toEqual([]);
    rmSync(workdir, { recursive: true });
    expect((await from(second.workdir)).expected).toEqual(second.expected);
    await expect(from(directory)).rejects.toThrow(/latency.from: .* holds no run/);
  });

  it('goes on with predictions when its agent is gone', async () => {
    const agent = await testAgent();
    // Calibrated, it trains what it searches.
    const leave = async ({ kind }: RunEvent): Promise<void> => (kind === 'trial-epoch' ? agent.close() : undefined);
    const device = `{type: agent, url: "${agent.address}", patience_s: 1}`;
    const { workdir, events } = await run(device, '', quick, (event) => void leave(event));
    expect(events).toContain('goes on with its predicted latency: the agent at');
    expect(events).toContain('the frontier could not be measured and keeps the latencies of the search');
    expect(latencies(workdir).at(-1)).toMatchObject({ state: 'complete', provenance: 'predicted' });
  });
});
