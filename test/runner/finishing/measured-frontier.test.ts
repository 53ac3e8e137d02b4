import { expect, test } from 'vitest';
import { settledFrontier } from '../../../runner/finishing/measured-frontier.js';
import type { TrainingContext } from '../../../runner/plan.js';
import type { RunEvent } from '../../../runner/events.js';
import type { LatencyService } from '../../../runner/latency/latency.js';
import type { InPrecision } from '../../../runner/latency/measurer.js';
import type { Store, StoredPrecision } from '../../../store/index.js';
import { newMeasurement, newStore, newTrial } from '../../store/support.js';
import { measured } from '../stored/trials.js';
import { objectives } from '../../search/support.js';

type Milliseconds = Readonly<Record<StoredPrecision, number>>;

/** A store with complete trials whose int8 networks were chosen; the accuracy of fp32 is a little higher. */
function storeWith(found: readonly { readonly accuracy: number; readonly ms: Milliseconds }[]): Store {
  const { store } = newStore();
  for (const [number, { accuracy, ms }] of found.entries()) {
    store.trials.ask(newTrial(number));
    const values = {
      fp32: measured({ accuracy, latency_ms: ms.fp32 }),
      int8: measured({ accuracy: accuracy - 0.001, latency_ms: ms.int8 }),
    };
    for (const precision of ['fp32', 'int8'] as const) {
      store.variants.revise(number, precision, values[precision]);
      store.variants.judge(number, precision, {
        accepted: true,
        reason: null,
        detail: { rejected_by: null, method: 'minmax' },
      });
    }
    store.trials.finish(number, { state: 'complete', values: values.int8, precision: 'int8' });
  }
  return store;
}

/** The frontier after a device has measured: its members, the measurements of each round, and notes. */
async function settled(store: Store, ms: readonly Milliseconds[], int8: 'auto' | 'require' = 'auto') {
  const rounds: string[][] = [];
  const events: RunEvent[] = [];
  const experiment = { objectives, compress: { int8, min_speedup: 1.05 }, latency: {} };
  const context = {
    store,
    plan: { experiment, sources: new Set(['latency']) },
    candidates: { network: () => ({}) },
    observe: (event: RunEvent) => void events.push(event),
    stopping: () => false,
  };
  const measureAgain = (subjects: readonly InPrecision[]): Promise<boolean> => {
    rounds.push(subjects.map(({ trial, precision }) => `${trial} ${precision}`));
    for (const { trial = 0, precision } of subjects)
      store.measurements.add({
        ...newMeasurement({ ms: ms[trial][precision], environment: { provenance: 'measured' } }),
        purpose: 'frontier',
        trial,
        precision,
      });
    return Promise.resolve(true);
  };
  // The code under test uses no other parts.
  const whole = context as unknown as TrainingContext;
  const members = await settledFrontier(whole, { measureAgain } as unknown as LatencyService);
  const named = members.map(({ trial, precision, values }) => [trial.number, precision, values['latency_ms'].value]);
  return { members: named, rounds, notes: events.flatMap((event) => (event.kind === 'note' ? [event.message] : [])) };
}

test('members are measured in their precisions, both of a trial side by side', async () => {
  const store = storeWith([{ accuracy: 0.9, ms: { fp32: 2, int8: 1 } }]);
  const { members, rounds, notes } = await settled(store, [{ fp32: 2.2, int8: 1.2 }]);
  expect(rounds).toEqual([['0 fp32', '0 int8']]);
  expect(members).toEqual([
    [0, 'int8', 1.2],
    [0, 'fp32', 2.2],
  ]);
  expect(store.trials.get(0)).toMatchObject({ precision: 'int8', values: { latency_ms: { value: 1.2 } } });
  expect(store.variants.of(0).map(({ values }) => values['latency_ms'].value)).toEqual([2.2, 1.2]);
  expect(notes).toEqual([]);
});

test('int8 that is not fast enough side by side is rejected; its trial stays in fp32', async () => {
  const store = storeWith([
    { accuracy: 0.9, ms: { fp32: 2, int8: 1 } },
    { accuracy: 0.8, ms: { fp32: 1, int8: 0.5 } },
  ]);
  const { members, notes } = await settled(store, [
    { fp32: 2, int8: 1.99 },
    { fp32: 1, int8: 0.5 },
  ]);
  expect(members).toEqual([
    [0, 'fp32', 2],
    [1, 'int8', 0.5],
    [1, 'fp32', 1],
  ]);
  expect(notes).toEqual([
    'trial 0: measured beside the frontier, int8 is 1.01 × as fast (min_speedup 1.05); it keeps fp32',
  ]);
  const [, int8] = store.variants.of(0);
  expect(int8).toMatchObject({ accepted: false, detail: { rejected_by: 'speed', method: 'minmax' } });
  expect(store.trials.get(0)).toMatchObject({ precision: 'fp32', values: { accuracy: { value: 0.9 } } });
});

test('a member that new latencies let in is measured, too; nothing is measured again by a second call', async () => {
  const store = storeWith([
    { accuracy: 0.9, ms: { fp32: 2, int8: 1 } },
    { accuracy: 0.89, ms: { fp32: 3, int8: 1.5 } },
  ]);
  const after = [
    { fp32: 4, int8: 2 },
    { fp32: 3, int8: 1.5 },
  ];
  const first = await settled(store, after);
  expect(first.rounds[0]).toEqual(['0 fp32', '0 int8']);
  expect(first.rounds[1]).toEqual(['0 fp32', '0 int8', '1 fp32', '1 int8']);
  const events = store.events.all().length;
  const again = await settled(store, after);
  expect(again.rounds).toEqual([]);
  expect(again.members).toEqual(first.members);
  expect(store.events.all()).toHaveLength(events);
});

test('where int8 is required, it alone is measured, and no gate rejects it', async () => {
  const { store } = newStore();
  store.trials.ask(newTrial(0));
  const values = measured({ accuracy: 0.9, latency_ms: 1 });
  store.variants.revise(0, 'int8', values);
  store.variants.judge(0, 'int8', { accepted: true, reason: null });
  store.trials.finish(0, { state: 'complete', values, precision: 'int8' });
  const { members, rounds } = await settled(store, [{ fp32: 0.1, int8: 5 }], 'require');
  expect(rounds).toEqual([['0 int8']]);
  expect(members).toEqual([[0, 'int8', 5]]);
});
