import { expect, it } from 'vitest';
import { collectTimeline } from '../../../../reports/page/collect/timeline.js';
import { laneTimes } from '../../../../ui/charts/timeline.js';
import { ask, begun, epoch, measured } from './history.js';

it('a timeline has the trainings of each slot, how they ended, and the time in which the run stood still', () => {
  const written = begun();
  const { store, wait } = written;
  wait(1000);
  store.curves.add({ stage: 'teacher' }, epoch(0));
  for (const number of [0, 1, 2, 3]) ask(written, number);
  wait(1000);
  store.trials.start(0);
  store.trials.start(1);
  wait(1000);
  store.curves.add({ stage: 'search', trial: 1 }, epoch(0));
  wait(1000);
  store.trials.finish(0, { state: 'complete', values: measured(0.5, 1) });
  wait(1000);
  store.trials.finish(1, { state: 'pruned', message: 'rank 2 of 2', values: {} });
  store.trials.start(2);
  wait(1000);
  store.curves.add({ stage: 'search', trial: 2 }, epoch(0));
  wait(10_000);
  store.events.add({ kind: 'resumed', detail: { version: '1' } });
  wait(1000);
  store.trials.start(2);
  wait(2000);
  store.trials.finish(2, { state: 'failed', message: 'not a number', values: {} });
  store.events.add({ kind: 'taken', trial: 3, detail: { stage: 'search', attempt: 1, host: 'b' } });
  wait(1000);
  store.trials.finish(3, { state: 'complete', values: measured(0.5, 1) });
  // Two final trainings one after the other, whose files are saved at the end; the first one is started twice.
  wait(1000);
  store.finals.start(0);
  wait(1000);
  store.finals.start(0);
  store.events.add({ kind: 'retried', trial: 0, detail: { stage: 'final', attempt: 2, message: 'killed' } });
  wait(1000);
  store.curves.add({ stage: 'final', trial: 0 }, epoch(0));
  store.finals.start(3);
  wait(1000);
  store.curves.add({ stage: 'final', trial: 3 }, epoch(0));
  wait(1000);
  const saved = { state: 'complete', accuracy: 0.5, epochs: 1, seconds: 1 } as const;
  store.finals.finish(0, saved);
  store.finals.finish(3, saved);
  store.run.setStatus('complete');
  wait(500);
  const answer = collectTimeline(store, written.now());
  expect(answer.now).toBe(25.5);
  const finals = ['0 21 22 retried', '0 22 23 complete', '3 23 24 complete'];
  const drawn = answer.lanes.map(({ host, slot, spans }) => [
    `${host ?? ''} ${slot}`,
    ...spans.map(({ training, from, to, outcome }) => [training.trial ?? training.stage, from, to, outcome].join(' ')),
  ]);
  expect(drawn).toEqual([
    [' 1', 'teacher 0 1 complete', '0 2 4 complete', ...['2 5 6 interrupted', '2 17 19 failed'], ...finals],
    [' 2', '1 2 3 pruned'],
    ['b 1', '3 19 20 complete'],
  ]);
  expect(answer.stops).toEqual([{ from: 6, to: 16 }]);
  expect(laneTimes(answer, 100)[0]).toEqual({ name: 'this machine 1', trainings: 7, busy: 9, idle: 5 });
});
