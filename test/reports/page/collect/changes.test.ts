import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../../base/random.js';
import type { CandidateColumns, FrontierKey } from '../../../../reports/page/api.js';
import { collectChanges } from '../../../../reports/page/collect/changes.js';
import { collectColumns, collectTrialsAnswer } from '../../../../reports/page/collect/columns.js';
import { RunCache } from '../../../../reports/page/collect/run-cache.js';
import { collectFrontier, collectRun, collectCandidates } from '../../../../reports/read-model/run.js';
import type { Store } from '../../../../store/index.js';
import { Candidates } from '../../../../ui/data/candidates.js';
import { ask, begun, epoch, experimentOn, happen, measured } from './history.js';

function rowsOf(columns: CandidateColumns): Map<string, unknown> {
  const { values, provenance, certainty, choices, ...plain } = columns;
  const cell = <T>(group: Readonly<Record<string, readonly T[]>>, i: number): Record<string, T> =>
    Object.fromEntries(
      Object.entries(group).flatMap(([name, column]) => (column[i] === null ? [] : [[name, column[i]]])),
    );
  return new Map(
    columns.number.map((number, i) => [
      `${number} ${columns.precision[i]}`,
      {
        ...cell<unknown>(plain, i),
        values: cell(values, i),
        provenance: cell(provenance, i),
        certainty: cell(certainty, i),
        choices: cell(choices, i),
      },
    ]),
  );
}

function merged(parts: readonly CandidateColumns[]): Candidates {
  const candidates = new Candidates();
  for (const part of parts) candidates.merge(part);
  return candidates;
}

const freshFrontier = (store: Store): FrontierKey[] =>
  collectFrontier(store).map(({ number, precision, rivals = [] }) => ({
    number,
    precision: precision ?? 'fp32',
    rivals,
  }));

describe('candidates as columns', () => {
  it('equal those of the report in every part', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 120 }), fc.nat(), (happenings, seed) => {
        const random = new Random(seed, 'columns');
        const written = begun();
        const { store } = written;
        for (let i = 0; i < happenings; i++) happen(written, random);
        const all = collectColumns(store, { from: 0, limit: 1000 });
        const reported = collectCandidates(store);
        expect(all.number).toEqual(reported.map(({ number }) => number));
        for (const [i, trial] of reported.entries()) {
          const row = rowsOf(all).get(`${trial.number} ${trial.precision ?? all.precision[i]}`);
          const { state, values, provenance, choices, startedAfter, finishedAfter } = trial;
          const known = Object.entries({ state, startedAfter, finishedAfter }).filter(([, cell]) => cell !== null);
          expect(row).toMatchObject({ ...Object.fromEntries(known), values, provenance, choices });
        }
        const numbers = all.number.filter((number) => number % 3 === 0);
        const whole = [...rowsOf(all)];
        // Trials given by number include withdrawn candidates, which have no values.
        const some = rowsOf(collectColumns(store, numbers));
        for (const [key, row] of some)
          if (!whole.some(([other]) => other === key)) expect(row).toMatchObject({ chosen: false, values: {} });
        const candidates = [...some].filter(([key]) => whole.some(([other]) => other === key));
        expect(candidates).toEqual(whole.filter(([key]) => numbers.includes(Number.parseInt(key))));
        const parts: CandidateColumns[] = [];
        for (let from: number | null = 0; from !== null;) {
          const answer = collectTrialsAnswer(store, { from, limit: 4 });
          expect(answer).toMatchObject({ cursor: store.events.latest(), total: store.trials.all().length });
          parts.push(answer.candidates);
          from = answer.next;
        }
        expect(parts.flatMap((part) => [...rowsOf(part)])).toEqual(whole);
      }),
      { numRuns: 10, seed: 2 },
    );
  });
});

describe('changes since a cursor', () => {
  it('add up to the whole run from any cursor', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(),
        (happenings, often, seed) => {
          const random = new Random(seed, 'changes');
          const written = begun();
          const { store, now } = written;
          const memory = new RunCache();
          const parts: CandidateColumns[] = [];
          let cursor = 0;
          let frontier: readonly FrontierKey[] = [];
          for (let i = 0; i < happenings; i++) {
            happen(written, random);
            if (random.int(often) > 0) continue;
            const changes = collectChanges(store, cursor, memory, { now: now() });
            parts.push(changes.candidates);
            frontier = changes.frontier ?? frontier;
            ({ cursor } = changes);
            expect(cursor).toBe(store.events.latest());
            expect(frontier).toEqual(freshFrontier(store));
            const { updatedAt, ...run } = collectRun(store);
            expect(changes.run).toMatchObject(run);
            expect(Date.parse(changes.run.updatedAt)).toBeGreaterThanOrEqual(Date.parse(updatedAt));
          }
          parts.push(collectChanges(store, cursor, memory, { now: now() }).candidates);
          const shown = merged(parts);
          const whole = collectColumns(store, { from: 0, limit: 1000 });
          expect(shown.chosen.filter((chosen) => chosen)).toHaveLength(store.overview.count());
          for (const [i, number] of whole.number.entries()) {
            const row = shown.rowOf({ number, precision: whole.precision[i] });
            expect(row).toBeDefined();
            expect(shown.state[row ?? -1]).toBe(whole.state[i]);
            expect(shown.chosen[row ?? -1]).toBe(whole.chosen[i]);
            for (const [name, column] of Object.entries(whole.values))
              expect(shown.values.get(name)?.[row ?? -1] ?? null).toBe(column[i]);
          }
        },
      ),
      { numRuns: 12, seed: 3 },
    );
  });

  it('have the frontier first, then when it changes', () => {
    const written = begun();
    const { store, now } = written;
    ask(written, 0);
    store.trials.finish(0, { state: 'complete', values: measured(0.5, 1) });
    const memory = new RunCache();
    const cursor = store.events.latest();
    const look = (first: boolean) => collectChanges(store, cursor, memory, { now: now(), first }).frontier;
    expect(look(true)).toEqual([{ number: 0, precision: 'fp32', rivals: [] }]);
    expect(look(false)).toBeNull();
    ask(written, 1);
    store.trials.finish(1, { state: 'complete', values: measured(0.4, 2) });
    expect(look(false)).toBeNull();
    ask(written, 2);
    store.trials.finish(2, { state: 'complete', values: measured(0.6, 0.5) });
    expect(look(false)).toEqual([{ number: 2, precision: 'fp32', rivals: [] }]);
  });

  it('have epochs and log, and at most 1,000 events, up to the next thousand', () => {
    const written = begun();
    const { store, now, wait } = written;
    ask(written, 0);
    const cursor = store.events.latest();
    store.curves.add({ stage: 'teacher' }, epoch(0, 0.9));
    store.curves.add({ stage: 'search', trial: 0 }, epoch(0, 0.25));
    // Trained again after a crash: the later epoch counts.
    store.curves.add({ stage: 'search', trial: 0 }, epoch(0, 0.75));
    wait(10);
    store.events.add({ kind: 'retried', trial: 0, detail: { stage: 'search', attempt: 2, message: 'it was killed' } });
    store.events.add({ kind: 'promoted', trial: 0, detail: { epochs: 9, reason: 'best of 3' } });
    store.run.extend(experimentOn('search: {trials: 77}'));
    store.events.add({ kind: 'resumed', detail: { version: '9.9.9' } });
    store.run.setStatus('complete');
    const memory = new RunCache();
    const { epochs, log, run } = collectChanges(store, cursor, memory, { now: now() });
    expect(epochs.map(({ training, validationAccuracy }) => [training, validationAccuracy])).toEqual([
      [{ stage: 'teacher' }, 0.9],
      [{ stage: 'search', trial: 0 }, 0.75],
      [{ stage: 'search', trial: 0 }, 0.75],
    ]);
    expect(log.map(({ kind, trial, message }) => [kind, trial, message])).toEqual([
      ['retried', 0, 'started again (attempt 2): it was killed'],
      ['promoted', 0, 'goes on to 9 epochs: best of 3'],
      ['extended', null, 'goes on to 77 trials'],
      ['resumed', null, 'resumed by nas 9.9.9'],
      ['status', null, 'the run is complete'],
    ]);
    expect(run).toMatchObject({ planned: 77, status: 'complete' });
    store.transaction(() => {
      for (let i = 0; i < 1500; i++) store.events.add({ kind: 'note', detail: { message: `${i}` } });
    });
    const begin = store.events.latest() - 1500;
    const first = collectChanges(store, begin, memory, { now: now() });
    expect([first.cursor, first.log.length]).toEqual([1000, 1000 - begin]);
    const second = collectChanges(store, first.cursor, memory, { now: now() });
    expect(second.log.at(-1)?.message).toBe('1499');
    expect(second.cursor).toBe(store.events.latest());
  });

  it('continue after an extension and a resume', () => {
    const written = begun(experimentOn('search: {trials: 10}'));
    const { store, now } = written;
    const memory = new RunCache();
    expect(collectChanges(store, 0, memory, { now: now() }).run.planned).toBe(10);
    store.run.extend(experimentOn('search: {trials: 20}'));
    expect(collectChanges(store, 0, memory, { now: now() }).run.planned).toBe(20);
  });
});
