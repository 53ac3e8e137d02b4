import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { buildId } from '../../../workers/machine.js';
import { chooseGroup, createWatch, type GroupOptions } from '../../../workers/coordinator/workers-for-run.js';
import { requirementsOf, requireQueue } from '../../../workers/coordinator/open-runner.js';
import { parseExperiment } from '../../../experiments/parse/index.js';
import { runsModules } from '../../../runner/job-runners.js';
import { announceWorker, queueOverview, type WorkerRecord } from '../../../workers/registry.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { workerRecord } from '../worker-record.js';
import { configOf, connectionTo, QueuedRun } from './queued.js';

describeWithValkey('the group of a run', () => {
  let valkey: Valkey;
  beforeAll(async () => (valkey = await startValkey()));
  afterAll(() => valkey.stop());

  /** Puts a worker on the list, for this test. */
  async function announce(part: Partial<WorkerRecord>): Promise<() => Promise<void>> {
    const record = workerRecord({ id: randomUUID(), build: buildId(), ...part });
    const announcement = await announceWorker(await connectionTo(valkey), () => record);
    const leave = () => announcement.close();
    onTestFinished(leave);
    return leave;
  }

  async function settling(run: QueuedRun, more: Partial<GroupOptions> = {}): Promise<string> {
    return chooseGroup({
      connection: await connectionTo(valkey),
      wanted: requirementsOf({ tag: undefined }, false),
      url: valkey.url,
      store: run.store,
      observe: (event) => run.events.push(event),
      acceptEnvironment: false,
      signal: new AbortController().signal,
      ...more,
    });
  }

  it('is the group with the most slots at the start, and is reported; it stays when another group has more', async () => {
    const run = new QueuedRun(valkey);
    await announce({ group: 'few', slots: 2 });
    const leave = await announce({ group: 'many', slots: 3 });
    await announce({ group: 'other', slots: 64, build: 'another' });
    expect(await settling(run)).toBe('many');
    expect(run.notes).toEqual([expect.stringMatching(/group many .* 3 slots now; 2 slots of machines/)]);
    await announce({ group: 'more', slots: 8 });
    expect(await settling(run)).toBe('many');
    // Its machines are gone: the run waits for them, unless other groups are acceptable.
    await leave();
    expect(await settling(run)).toBe('many');
    expect(await settling(run, { acceptEnvironment: true })).toBe('more');
    expect(await settling(run)).toBe('more');
  });

  it('is the group of the first worker; while there is none, a note says how to start one', async () => {
    const run = new QueuedRun(valkey);
    const settled = settling(run);
    await expect.poll(() => run.notes).toEqual([`Waiting for workers; start some: nas worker --queue ${valkey.url}`]);
    await announce({ group: 'first' });
    expect(await settled).toBe('first');
  });

  it('ends its wait when the run is stopped', async () => {
    const stop = new AbortController();
    const settled = settling(new QueuedRun(valkey), { signal: stop.signal });
    stop.abort();
    await expect(settled).rejects.toThrow();
  });

  it('is preceded by a check of slots and files', async () => {
    await announce({ group: 'a', slots: 2 });
    await announce({ group: 'b', slots: 3 });
    await announce({ group: 'b', slots: 3, tags: ['gpu'] });
    await announce({ group: 'a', slots: 1, modules: true });
    expect(await requireQueue(configOf(valkey), false)).toBe(6);
    expect(await requireQueue(configOf(valkey), true)).toBe(1);
    expect(await requireQueue(configOf(valkey, { mixed: true }), false)).toBe(9);
    expect(await requireQueue(configOf(valkey, { tag: 'gpu' }), false)).toBe(3);
    const taken = { artifacts: { listen: `127.0.0.1:${valkey.port}` } };
    await expect(requireQueue(configOf(valkey, taken), false)).rejects.toMatchObject({ code: 'invalid-input' });
  });

  it('takes no jobs with code of the user until a worker allows it: the watch says which worker to start, once', async () => {
    const run = new QueuedRun(valkey);
    await announce({ host: 'pi5' });
    const wanted = requirementsOf({ tag: undefined }, true);
    const watch = createWatch(
      { waiting: () => [wanted] },
      { connection: await connectionTo(valkey), url: valkey.url, observe: (event) => run.events.push(event) },
    );
    for (let i = 0; i < 2; i++) await watch();
    const command = `nas worker --queue ${valkey.url} --allow-modules`;
    const warning = `No worker takes the jobs that wait (pi5 runs no code of others (--allow-modules)); start one: ${command}`;
    expect(run.notes).toEqual([warning]);
    await announce({ modules: true });
    await watch();
    expect(run.notes).toEqual([warning]);
  });

  it('says in its record whether its jobs run code of the user', async () => {
    const run = new QueuedRun(valkey);
    const runner = await run.open({ modules: true });
    onTestFinished(() => runner.close());
    await announce({ host: 'pi5' });
    const { runs } = await queueOverview(await connectionTo(valkey));
    expect(runs).toMatchObject([
      { modules: true, slots: 0, unfit: [{ why: [expect.stringContaining('--allow-modules')] }] },
    ]);
  });

  it.each([
    [{}, false],
    [{ evaluate: { type: 'module', path: 'own.mjs' } }, true],
    [{ space: { type: 'module', path: 'own.mjs' } }, false],
    [{ space: { type: 'module', path: 'own.mjs' }, supernet: { epochs: 2 }, teacher: 'none' }, true],
  ])('runs code of the user where the experiment brings it to jobs: %j', (part, expected) => {
    const whole = { name: 'own', data: 'fashion-mnist', space: 'mobilenet', objectives: ['accuracy', 'macs'], ...part };
    const { experiment } = parseExperiment('own.yaml', JSON.stringify(whole), { checkFiles: false });
    expect(runsModules(experiment)).toBe(expected);
  });
});
