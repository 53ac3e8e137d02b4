import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { MlflowLog, mlflowAuthorization } from '../../../reports/history/mlflow.js';
import { History } from '../../../reports/history/history.js';
import type { Store } from '../../../store/index.js';
import { nasInside, expectRefusal } from '../../cli/nas.js';
import { sharedFolder } from '../../support/temporary.js';
import { storedHistory } from './stored-history.js';
import { MlflowServer } from './mlflow-server.js';

const folder = sharedFolder();
let store: Store;

beforeAll(async () => {
  store = await storedHistory(join(folder, 'run'));
});

const exported = (url: string) => nasInside(['export', store.directory, '--to', 'mlflow', '--url', url]);

/** Quick tries of a server. */
function logTo(url: string): MlflowLog {
  const { name, createdAt } = store.run.get();
  return new MlflowLog({ url, tries: 3, patience: 1000 }, { name, createdAt });
}

const entriesOf = (trial: number) => new History(store).of(trial);

const plain = (run: ReturnType<MlflowServer['run']>) => ({
  ...run,
  params: Object.fromEntries(run.params),
  tags: Object.fromEntries(run.tags),
  metrics: [...run.metrics.values()],
});

describe('nas export --to mlflow', () => {
  it('writes a run with a nested run of each trial, and nothing twice', async () => {
    const server = await MlflowServer.start();
    expect(await exported(server.url)).toMatchObject({ code: 0, err: `${server.url}: experiment stored, 6 trials\n` });
    const before = [...server.runs.values()].map(plain);
    const parent = plain(server.run('stored'));
    const trial = store.trials.get(0);
    expect(before).toHaveLength(7);
    expect(parent).toMatchObject({ status: 'FINISHED', start: store.run.get().createdAt });
    expect(parent.metrics.map(({ key }) => key)).toEqual(['best/accuracy', 'best/latency_ms']);
    const nested = plain(server.run('trial-0'));
    expect(nested).toMatchObject({
      status: 'FINISHED',
      start: trial?.askedAt,
      end: trial?.finishedAt,
      tags: { 'mlflow.parentRunId': parent.id, 'nas.name': 'trial-0' },
      params: Object.fromEntries(Object.entries(trial?.choices ?? {}).map(([key, value]) => [key, String(value)])),
    });
    const curve = nested.metrics.filter(({ key }) => key === 'validation/accuracy');
    expect(curve.map(({ step, value }) => [step, value])).toEqual([
      [1, 0.5],
      [2, 0.6],
    ]);
    expect(nested.metrics).toContainEqual(
      expect.objectContaining({ key: 'accuracy', step: 2, value: trial?.values['accuracy'].value }),
    );
    const members = before.filter(({ tags }) => tags['nas.frontier'] === 'true').map(({ name }) => name);
    expect(members.join(' ')).toBe(parent.tags['nas.frontier']);
    const place = `${parent.experiment}/${parent.id}/artifacts`;
    expect(String(server.artifacts.get(`${place}/experiment.yaml`))).toBe(store.run.get().source);
    expect(server.artifacts.get(`${place}/frontier.png`)?.subarray(1, 4).toString()).toBe('PNG');

    expect(await exported(server.url)).toMatchObject({ code: 0 });
    expect([...server.runs.values()].map(plain)).toEqual(before);
  });

  it('tries again after an error of the server, silence, and a lost answer', async () => {
    for (const fault of ['error', 'silence', 'lost-answer'] as const) {
      const server = await MlflowServer.start();
      server.experiments.set('stored', '1');
      // Asks for the experiment and for the run, and creates it.
      server.faults.push(null, null, fault);
      await logTo(server.url).trial(entriesOf(0));
      expect(server.run('stored').status).toBe('RUNNING');
      expect(plain(server.run('trial-0'))).toMatchObject({ status: 'FINISHED', tags: { 'nas.name': 'trial-0' } });
    }
  });

  it('says what a server refuses, without another try', async () => {
    const server = await MlflowServer.start();
    await logTo(server.url).trial(entriesOf(0));
    server.run('trial-0').params.set(Object.keys(store.trials.get(0)?.choices ?? {})[0], 'another');
    server.requests.length = 0;
    const says = /MLflow at .*runs.log-batch was answered with 400: INVALID_PARAMETER_VALUE: Changing param/;
    await expect(logTo(server.url).trial(entriesOf(0))).rejects.toThrow(says);
    expect(server.requests.filter((path) => path.endsWith('log-batch'))).toHaveLength(1);
  });

  it('names a server that is not there, and one that is no address', async () => {
    const server = await MlflowServer.start();
    const { url } = server;
    server.stop();
    await expect(logTo(url).trial(entriesOf(0))).rejects.toThrow(`MLflow at ${url}: connect ECONNREFUSED`);
    await expectRefusal(exported('nowhere'), 'nowhere is no address');
  });

  it('splits what is too much for one request', async () => {
    const server = await MlflowServer.start();
    const [entry] = entriesOf(0);
    const choices = Object.fromEntries(Array.from({ length: 250 }, (_, i) => [`decision ${i}`, i]));
    const epochs = Array.from({ length: 1700 }, (_, i) => ({
      ...entry.epochs[0],
      step: i + 1,
      at: i,
      values: { a: i },
    }));
    await logTo(server.url).trial([{ ...entry, trial: { ...entry.trial, choices }, epochs }]);
    const { params, metrics } = server.run('trial-0');
    expect(params.size).toBe(250);
    expect(metrics.size).toBe(1700 + Object.keys(entry.values).length);
  });

  it('logs in as the variables of MLflow say', async () => {
    expect(mlflowAuthorization({})).toBeUndefined();
    expect(mlflowAuthorization({ MLFLOW_TRACKING_TOKEN: 'abc' })).toBe('Bearer abc');
    const authorization = mlflowAuthorization({ MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'x' });
    expect(authorization).toBe('Basic YW5uOng=');
    const server = await MlflowServer.start();
    await new MlflowLog({ url: server.url, tries: 1, patience: 1000, authorization }, store.run.get()).trial([]);
    expect(server.authorization).toBe(authorization);
  });
});
