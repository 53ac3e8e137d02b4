import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { followed } from '../../api/followed.js';
import { openRun } from '../../api/run.js';
import { loadExperiment } from '../../experiments/parse/index.js';
import type { RunEvent } from '../../runner/events.js';
import { runExperiment } from '../../runner/run.js';
import { databasePath } from '../../runner/stored/workdir.js';
import { Store } from '../../store/index.js';
import { findingsOf, writeTable } from '../runner/table-experiment.js';
import { sharedFolder } from '../support/temporary.js';
import { MlflowServer } from '../reports/history/mlflow-server.js';

const folder = sharedFolder();
const search = '{ controller: random, trials: 8 }';

/** Runs a table with `log`. @returns the run's folder, warnings, and what it found */
async function run(name: string, log: string, answer = 10_000) {
  const { file } = writeTable(join(folder, name), { search, lines: [`log: ${log}`] });
  const workdir = join(folder, name, 'run');
  const warnings: string[] = [];
  const observe = (event: RunEvent) => void (event.kind === 'warning' && warnings.push(event.message));
  const patience = { answer, end: 60_000, silentEnd: answer };
  await followed(observe, (own) => runExperiment(loadExperiment(file), { workdir }, own), patience);
  return { workdir, warnings, findings: findingsOf(workdir) };
}

describe('log of an experiment', () => {
  it('writes event files of each trial and of the run for TensorBoard', async () => {
    const { workdir, warnings } = await run('events', 'tensorboard');
    const names = readdirSync(join(workdir, 'tensorboard'), { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => name.includes('tfevents')).map((name) => name.replace(/\.\d+\./, '.N.'));
    const trials = Array.from({ length: 8 }, (_, i) => join(`trial-${i}`, 'events.out.tfevents.N.nas'));
    expect(files.sort()).toEqual(['events.out.tfevents.N.nas', ...trials]);
    expect(warnings).toEqual([]);
  });

  it('may be added to a run that has begun', async () => {
    const { file } = writeTable(join(folder, 'added'), { search });
    const stop = new AbortController();
    await runExperiment(
      loadExperiment(file),
      { workdir: join(folder, 'added', 'run'), signal: stop.signal },
      (event) => {
        if (event.kind === 'trial-finished' && event.number === 3) stop.abort();
      },
    );
    const { workdir, findings } = await run('added', 'tensorboard');
    expect(findings).toEqual((await run('whole', '{ tensorboard: false }')).findings);
    const trials = Array.from({ length: 8 }, (_, i) => join(workdir, 'tensorboard', `trial-${i}`));
    expect(trials.filter((trial) => !existsSync(trial))).toEqual([]);
  });

  it('tells an MLflow server of each trial, also of those that it did not take at first', async () => {
    const server = await MlflowServer.start();
    server.faults.push('error');
    const { warnings } = await run('told', `{ mlflow: "${server.url}" }`);
    expect(server.runs.size).toBe(9);
    expect([...server.runs.values()].every(({ status }) => status === 'FINISHED')).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  it('sends the frontier again at the end: its latencies are measured again', async () => {
    const server = await MlflowServer.start();
    const { workdir } = await run('again', `{ mlflow: "${server.url}" }`);
    const [{ number }] = openRun(workdir).frontier();
    await followed(
      () => undefined,
      (observe) => {
        observe({ kind: 'begun', workdir });
        // Later than the simulated time of the run.
        const store = Store.open(databasePath(workdir), { clock: () => Date.now() + 1e9 });
        store.trials.revise(number, { phone: { value: 0.5, provenance: 'measured' } });
        store.close();
        return Promise.resolve();
      },
    );
    const phone = [...server.run(`trial-${number}`).metrics.values()].filter(({ key }) => key === 'phone');
    expect(phone.sort((a, b) => a.timestamp - b.timestamp).at(-1)?.value).toBe(0.5);
  });

  it('costs a run no trial where the server is dead, silent or broken', async () => {
    const { findings } = await run('alone', '{ tensorboard: false }');
    const server = await MlflowServer.start();
    const { url } = server;
    for (const fault of ['error', 'silence', 'dead'] as const) {
      if (fault === 'dead') server.stop();
      else server.always = fault;
      const found = await run(fault, `{ mlflow: "${url}", tensorboard: true }`, 200);
      expect(found.findings).toEqual(findings);
      expect(found.warnings).toEqual([
        expect.stringMatching(
          /^MLflow at .*; the run goes on, and nas export .*--to mlflow --url .* writes all of it later$/,
        ),
      ]);
      expect(existsSync(join(found.workdir, 'tensorboard', 'trial-7'))).toBe(true);
    }
  });
});
