import { join } from 'node:path';
import picocolors from 'picocolors';
import { describe, expect, it, onTestFinished } from 'vitest';
import { atWorkListing, assignmentsTable } from '../../../cli/output/runs.js';
import { collectTrialAnswer } from '../../../reports/page/collect/trial-answer.js';
import { RunCache } from '../../../reports/page/collect/run-cache.js';
import {
  collectReport,
  collectAssignments,
  collectTrials,
  collectWorkers,
  hostsText,
  workersText,
} from '../../../reports/index.js';
import { recordAssignment } from '../../../runner/stored/workers.js';
import { lockWorkdir, type Training } from '../../../store/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { ask, begun, epoch, experimentOn, measured, start, type Written } from '../page/collect/history.js';

const queue = 'workers: {type: queue, url: "redis://10.0.0.5:6379"}';
const colors = picocolors.createColors(false);

const take = ({ store }: Written, training: Training, host: string, attempt = 1, group = '0a1b2c3d4e5f'): void =>
  recordAssignment(store, training, attempt, { host, group });

const search = (trial: number): Training => ({ stage: 'search', trial });

/** A run through a queue with three machines. */
function worked(file?: string): Written {
  const written = begun(experimentOn(queue), file);
  const { store, wait } = written;
  store.run.setStatus('running');
  store.events.add({ kind: 'workers-group', detail: { group: '0a1b2c3d4e5f', text: 'x64 avx2, blocks of 8' } });
  take(written, { stage: 'teacher' }, 'cedar');
  for (const number of [0, 1, 2, 3]) ask(written, number);
  wait(60_000);
  for (const number of [0, 1, 2]) store.trials.start(number);
  take(written, search(0), 'alder');
  take(written, search(1), 'birch');
  store.trials.finish(0, { state: 'complete', values: measured(0.5, 1) });
  wait(60_000);
  // As the runner does when a worker dies.
  store.trials.start(1);
  store.events.add({ kind: 'retried', trial: 1, detail: { stage: 'search', attempt: 2, message: 'birch was lost' } });
  wait(1000);
  take(written, search(1), 'alder', 2);
  return written;
}

describe('workers of a run through a queue', () => {
  it('have their trials, current assignments and waiting trainings', () => {
    // The lock makes the run a running one.
    const folder = temporaryFolder();
    const lock = lockWorkdir(folder);
    const { store } = worked(join(folder, 'nas.sqlite'));
    onTestFinished(() => {
      store.close();
      lock.release();
    });
    const workers = collectWorkers(store);
    expect(workers).toEqual({
      queue: 'redis://10.0.0.5:6379',
      hosts: [
        { host: 'alder', trials: 2 },
        { host: 'birch', trials: 0 },
        { host: 'cedar', trials: 0 },
      ],
      groups: [{ group: '0a1b2c3d4e5f', text: 'x64 avx2, blocks of 8', taken: 4 }],
      now: [{ training: search(1), host: 'alder', group: '0a1b2c3d4e5f', since: start + 121_000 }],
      waiting: 1,
    });
    if (workers === undefined) return;
    expect(workersText(workers)).toBe(
      'through redis://10.0.0.5:6379: 3 hosts (alder 2 trials); group 0a1b2c3d4e5f (x64 avx2, blocks of 8)',
    );
    expect(atWorkListing(workers, start + 181_000, colors)).toBe(
      [
        '',
        'At work',
        'training  stage   host   group          for',
        'trial 1   search  alder  0a1b2c3d4e5f  60 s',
        '1 training waits for a worker',
        '',
      ].join('\n'),
    );
    store.run.setStatus('interrupted');
    expect(collectWorkers(store)).toMatchObject({ now: [], waiting: 0 });
  });

  it('are absent for runs of this machine, in all answers', async () => {
    const written = begun();
    const { store } = written;
    store.run.setStatus('running');
    ask(written, 0);
    store.trials.start(0);
    store.trials.start(0);
    expect(collectWorkers(store)).toBeUndefined();
    expect(collectAssignments(store, 0)).toEqual([]);
    expect(assignmentsTable([], colors)).toBe('');
    expect(collectTrials(store)[0]).not.toHaveProperty('host');
    const memory = new RunCache();
    memory.update(store);
    expect(memory.activity(store)[0]).not.toHaveProperty('host');
    store.trials.finish(0, { state: 'failed', values: {} });
    const { provenance, ...report } = await collectReport(store);
    expect(provenance).not.toHaveProperty('workers');
    expect(report).not.toHaveProperty('workers');
  });

  it('are those of the last resume', () => {
    const { store } = worked();
    store.events.add({ kind: 'resumed', detail: { version: '1', workers: { type: 'pool' } } });
    store.events.add({ kind: 'resumed', detail: { version: '1' } });
    const workers = collectWorkers(store);
    expect(workers).toMatchObject({ queue: null, now: [], waiting: 0 });
    expect(workers && workersText(workers)).toMatch(/^this machine now, and a queue before: 3 hosts/);
  });

  it('of two groups get a warning that results may differ', () => {
    const written = worked();
    take(written, search(2), 'dogwood', 1, 'ffffffffffff');
    const workers = collectWorkers(written.store);
    expect(workers && workersText(workers)).toContain(
      'mixed: trainings by 2 groups, whose results differ in the last bits: 0a1b2c3d4e5f (x64 avx2, blocks of 8) 4, ffffffffffff 1',
    );
  });

  it('are listed by name up to a limit', () => {
    const hosts = Array.from({ length: 9 }, (_, i) => ({ host: `h${i}`, trials: 9 - i }));
    expect(hostsText(hosts)).toBe('9 hosts (h0 9 trials, h1 8, h2 7, h3 6, h4 5, h5 4, 3 others 6)');
    expect(hostsText(hosts.slice(8))).toBe('h8');
    expect(
      hostsText([
        { host: 'a', trials: 0 },
        { host: 'b', trials: 0 },
      ]),
    ).toBe('2 hosts');
  });
});

describe('assignments of a trial', () => {
  it('have their ends', () => {
    const written = worked();
    const { store, wait } = written;
    expect(collectAssignments(store, 1).map(({ host, attempt, ended }) => [host, attempt, ended])).toEqual([
      ['birch', 1, 'birch was lost'],
      ['alder', 2, null],
    ]);
    // A stopped worker gives the job back without losing an attempt.
    take(written, search(1), 'cedar', 2);
    store.events.add({ kind: 'resumed', detail: { version: '1' } });
    wait(1000);
    store.trials.start(1);
    take(written, search(1), 'alder', 3);
    store.curves.add({ stage: 'search', trial: 1 }, epoch(0));
    store.events.add({ kind: 'promoted', trial: 1, detail: { epochs: 3, reason: 'the best' } });
    store.trials.start(1);
    take(written, search(1), 'alder', 4);
    store.trials.finish(1, { state: 'failed', values: {}, message: 'loss is NaN' });
    store.finals.start(1);
    take(written, { stage: 'final', trial: 1 }, 'birch');
    expect(collectAssignments(store, 1).map(({ stage, host, ended }) => [stage, host, ended])).toEqual([
      ['search', 'birch', 'birch was lost'],
      ['search', 'alder', 'given back'],
      ['search', 'cedar', 'the run was stopped'],
      ['search', 'alder', 'trained in part'],
      ['search', 'alder', 'failed: loss is NaN'],
      ['final', 'birch', null],
    ]);
    store.finals.finish(1, { state: 'complete', accuracy: 0.5, epochs: 6, seconds: 1 });
    const listing = assignmentsTable(collectAssignments(store, 1), colors).split('\n');
    expect(listing.at(-2)).toMatch(/^final training +1 +birch +0a1b2c3d4e5f +\S+ min +complete$/);
    expect(collectTrials(store).map(({ host }) => host)).toEqual(['alder', 'alder', undefined, undefined]);
  });

  it('are shown on the page, with waiting trainings', async () => {
    const written = worked();
    const { store } = written;
    const memory = new RunCache();
    memory.update(store);
    expect(memory.activity(store)).toMatchObject([
      { training: search(1), host: 'alder' },
      { training: search(2), host: null },
    ]);
    store.curves.add({ stage: 'search', trial: 1 }, epoch(0));
    memory.update(store);
    expect(memory.activity(store)).toContainEqual(
      expect.objectContaining({ training: search(1), host: 'alder', epochs: 1 }),
    );
    const answer = await collectTrialAnswer(store, { workdir: '/w', number: 3 }, memory);
    expect(answer).toBeDefined();
    expect(answer).not.toHaveProperty('assignments');
  });
});
