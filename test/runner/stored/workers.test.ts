import { describe, expect, it } from 'vitest';
import type { JobWorker } from '../../../runner/jobs/job-runner.js';
import { hostOf, recordAssignment, hostShares, assignmentsOf } from '../../../runner/stored/workers.js';
import type { Store, Training } from '../../../store/index.js';
import { ask, begun, start } from '../../reports/page/collect/history.js';

const on = (host: string, index = 0): JobWorker => ({ index, host, group: '0123456789ab' });

function taken(store: Store, training: Training, host: string, attempt = 1): void {
  recordAssignment(store, training, attempt, on(host));
}

describe('who took a training', () => {
  it('is stored for trials, the teacher and the supernet', () => {
    const written = begun();
    const { store, wait } = written;
    ask(written, 0);
    taken(store, { stage: 'teacher' }, 'alder');
    wait(1000);
    taken(store, { stage: 'final', trial: 0 }, 'birch', 2);
    recordAssignment(store, { stage: 'supernet' }, 1, { host: 'cedar' });
    expect(assignmentsOf(store)).toEqual([
      { training: { stage: 'teacher' }, attempt: 1, host: 'alder', group: '0123456789ab', at: start },
      {
        training: { stage: 'final', trial: 0 },
        attempt: 2,
        host: 'birch',
        group: '0123456789ab',
        at: start + 1000,
      },
      { training: { stage: 'supernet' }, attempt: 1, host: 'cedar', group: null, at: start + 1000 },
    ]);
  });

  it("is not kept of the run's own processes, which have no host", () => {
    const { store } = begun();
    const before = store.events.latest();
    recordAssignment(store, { stage: 'teacher' }, 1, {});
    expect(store.events.latest()).toBe(before);
    expect(hostOf({})).toEqual({});
    expect(hostOf(on('alder'))).toEqual({ host: 'alder' });
  });

  it('counts trials for the machine that had them last, and names those without any', () => {
    const written = begun();
    const { store } = written;
    for (const number of [0, 1, 2]) ask(written, number);
    taken(store, { stage: 'teacher' }, 'dogwood');
    taken(store, { stage: 'search', trial: 0 }, 'alder');
    taken(store, { stage: 'search', trial: 1 }, 'alder');
    taken(store, { stage: 'search', trial: 2 }, 'birch');
    taken(store, { stage: 'search', trial: 0 }, 'birch', 2);
    taken(store, { stage: 'final', trial: 0 }, 'alder');
    expect(hostShares(assignmentsOf(store))).toEqual([
      { host: 'birch', trials: 2 },
      { host: 'alder', trials: 1 },
      { host: 'dogwood', trials: 0 },
    ]);
    expect(hostShares([])).toEqual([]);
  });
});
