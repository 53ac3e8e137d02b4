import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { JobFailed, type JobOrder } from '../../../runner/jobs/job-runner.js';
import type { JobOf } from '../../../runner/jobs/jobs.js';
import { mobilenetReference } from '../../../spaces/index.js';
import { describeWithValkey, startValkey, type Valkey } from '../../support/valkey.js';
import { workerOf } from '../worker/stand.js';
import { QueuedRun } from './queued.js';
import { cachedFolder } from '../../runner/experiment.js';

/** A worker's process starts within this time, also on a busy machine. */
const patience = { timeout: 50_000 };

describeWithValkey('a remote runner', () => {
  let valkey: Valkey;
  const folder = cachedFolder();
  beforeAll(async () => {
    valkey = await startValkey();
    // Logs its start, then waits for a file named by its seed.
    writeFileSync(
      join(folder, 'evaluate.mjs'),
      `import { appendFileSync, existsSync } from 'node:fs';
export default async ({ seed }, { signal }) => {
  appendFileSync(${JSON.stringify(join(folder, 'log'))}, seed + '\\n');
  while (!existsSync(${JSON.stringify(join(folder, 'go'))} + seed)) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { accuracy: seed / 100 };
};
`,
    );
  });
  afterAll(() => valkey.stop());

  const network = mobilenetReference({ input: [28, 28, 1], classes: 10 }, 0.25);
  const evaluation = (seed: number): JobOrder<JobOf<'evaluate'>> => ({
    id: `evaluate/${seed}`,
    job: {
      kind: 'evaluate',
      path: join(folder, 'evaluate.mjs'),
      names: ['accuracy'],
      epochs: 1,
      folder: null,
      subject: { choices: {}, genotype: [0], network, seed },
    },
    sharing: 'shared',
  });
  const begun = () =>
    existsSync(join(folder, 'log')) ? readFileSync(join(folder, 'log'), 'utf8').split('\n').filter(Boolean) : [];
  const finish = (seed: number) => writeFileSync(join(folder, `go${seed}`), '');

  it('runs jobs, repeats the job of a killed process, and withdraws a cancelled waiting job', async () => {
    const working = await workerOf(valkey, { modules: true });
    const run = new QueuedRun(valkey);
    const first = await run.open();
    const retries: string[] = [];
    const one = first.submit(evaluation(1), { retry: (_attempt, _attempts, reason) => void retries.push(reason) });
    const two = first.submit(evaluation(2));
    const three = first.submit(evaluation(3));
    await expect.poll(begun, patience).toEqual(['1']);
    two.cancel();
    await expect(two.result).rejects.toMatchObject({ code: 'interrupted' });
    for (const pid of working.pids()) process.kill(pid, 'SIGKILL');
    await expect.poll(() => retries, patience).toEqual([expect.stringContaining('SIGKILL')]);
    for (const seed of [1, 3]) finish(seed);
    expect(await one.result).toMatchObject({ values: { accuracy: 0.01 } });
    expect(await three.result).toMatchObject({ values: { accuracy: 0.03 } });
    // The worker may start the third job before the coordinator has queued the first one again.
    expect(begun().sort()).toEqual(['1', '1', '3']);
    const fourth = first.submit(
      { ...evaluation(4), deaths: 2 },
      { retry: (attempt) => expect.unreachable(`${attempt}`) },
    );
    await expect.poll(() => begun().at(-1), patience).toBe('4');
    for (const pid of working.pids()) process.kill(pid, 'SIGKILL');
    await expect(fourth.result).rejects.toThrow(JobFailed);
    await first.close();
    expect(run.notes.join()).not.toContain('queue server');
  });

  it('says what stands still while a worker does not reach the files, and ends after a number of returns', async () => {
    await workerOf(valkey, { modules: true, files: { patienceMs: 60, troubleMs: 20, pauseMs: 10 } });
    const run = new QueuedRun(valkey);
    // Nothing listens on port 9.
    const runner = await run.open({}, { artifacts: { url: 'http://127.0.0.1:9' } });
    const { result } = runner.submit(evaluation(11));
    await expect(result).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(result).rejects.toThrow(/workers gave evaluate\/11 back 20 times; .*ECONNREFUSED.*workers.artifacts/);
    const [first] = run.notes.filter((note) => note.startsWith('Jobs stand still'));
    expect(first).toMatch(/does not reach the files of the run: 127.0.0.1:9: .*ECONNREFUSED/);
    expect(begun()).not.toContain('11');
    await runner.close();
  });

  it('ends at once when what answers for the files refuses for good', async () => {
    const wrong = createServer((_, response) => void response.writeHead(403).end('no'));
    await new Promise<void>((resolve) => wrong.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(wrong.address() as AddressInfo).port}`;
    await workerOf(valkey, { modules: true });
    const runner = await new QueuedRun(valkey).open({}, { artifacts: { url } });
    const { result } = runner.submit(evaluation(12));
    await expect(result).rejects.toMatchObject({ code: 'invalid-input' });
    await expect(result).rejects.toThrow(
      `the files of the run cannot be reached: ${url} refuses: it answers with status 403`,
    );
    await runner.close();
    wrong.close();
  });
});
