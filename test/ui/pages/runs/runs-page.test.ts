import { describe, expect, it } from 'vitest';
import type { ReadableRun, RunEntry } from '../../../../reports/page/api.js';
import { listRuns } from '../../../../ui/pages/runs/runs-page.js';

function run(id: string, over: Partial<ReadableRun['run']>): ReadableRun {
  return {
    id,
    run: {
      name: `named ${id}`,
      seed: 1,
      evaluation: 'training',
      task: 'classification',
      status: 'complete',
      message: null,
      startedAt: '2026-01-01T00:00:00.000Z',
      updatedAt: '2026-01-01T00:00:00.000Z',
      version: '0.1.0',
      threads: 1,
      planned: 10,
      counts: { waiting: 0, running: 0, complete: 5, pruned: 0, failed: 0 },
      rejected: 0,
      ...over,
    },
    pace: { trialsPerHour: null, etaSeconds: null },
    objectives: [],
    measures: {},
    frontier: 0,
    best: {},
    unreliable: [],
    bestFinal: null,
    sketch: [],
  };
}

const runs: readonly RunEntry[] = [
  run('b10', { status: 'running', updatedAt: '2026-01-03T00:00:00.000Z' }),
  { id: 'a-broken', problem: 'it is not a database' },
  run('b9', { status: 'died', counts: { waiting: 0, running: 0, complete: 8, pruned: 1, failed: 1 } }),
  run('c', { updatedAt: '2026-01-02T00:00:00.000Z' }),
];

const ids = (entries: readonly RunEntry[]): string => entries.map(({ id }) => id).join(' ');

describe('listRuns', () => {
  it('sorts runs, with unreadable ones at the end', () => {
    expect(ids(listRuns(runs, '', 'name'))).toBe('b9 b10 c a-broken');
    expect(ids(listRuns(runs, '', 'newest'))).toBe('b10 c b9 a-broken');
    expect(ids(listRuns(runs, '', 'state'))).toBe('b9 b10 c a-broken');
    expect(ids(listRuns(runs, '', 'progress'))).toBe('b9 b10 c a-broken');
  });

  it('finds runs by id and by name, in any case', () => {
    expect(ids(listRuns(runs, ' B1', 'name'))).toBe('b10');
    expect(ids(listRuns(runs, 'NAMED c', 'name'))).toBe('c');
    expect(ids(listRuns(runs, 'broken', 'name'))).toBe('a-broken');
    expect(listRuns(runs, 'other', 'name')).toEqual([]);
  });
});
