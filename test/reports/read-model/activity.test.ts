import { describe, expect, it } from 'vitest';
import type { Activity, Training } from '../../../reports/page/api.js';
import { RunCache } from '../../../reports/page/collect/run-cache.js';
import { ask, begun, epoch, experimentOn, measured, start, type Written } from '../page/collect/history.js';
import { newMeasurement } from '../../store/support.js';

const calibration = newMeasurement();

/** Activities of a tracker that saw all events, and of the latest events alone. */
function activityOf({ store }: Written, watching: RunCache): readonly Activity[] {
  watching.update(store);
  const fresh = new RunCache();
  fresh.update(store);
  const seen = fresh.activity(store);
  expect(watching.activity(store)).toEqual(seen);
  return seen;
}

const training = (training: Training, rest: Partial<Extract<Activity, { kind: 'training' }>> = {}) => ({
  kind: 'training',
  training,
  epochs: 0,
  of: null,
  validationAccuracy: null,
  ...rest,
});

describe('activities of a run', () => {
  it('follow the events from the teacher to the last final training', () => {
    const experiment = experimentOn('teacher: {type: train, epochs: 4}', 'train: {epochs: 3}', 'final: {epochs: 6}');
    const written = begun(experiment);
    const { store, wait, now } = written;
    const memory = new RunCache();
    const does = () => activityOf(written, memory);
    expect(does()).toEqual([]);

    store.curves.add({ stage: 'teacher' }, epoch(0, 0.5));
    expect(does()).toEqual([
      training({ stage: 'teacher' }, { since: start, epochs: 1, of: 4, validationAccuracy: 0.5 }),
    ]);

    wait(1000);
    store.measurements.add(calibration);
    wait(1000);
    store.measurements.add(calibration);
    expect(does()).toEqual([{ kind: 'measuring', purpose: 'calibration', measured: 2, since: start + 1000 }]);

    ask(written, 0);
    expect(does()).toEqual([]);
    wait(1000);
    store.trials.start(0);
    const began = now();
    expect(does()).toEqual([training({ stage: 'search', trial: 0 }, { since: began, of: 3 })]);
    ask(written, 1);
    store.trials.start(1);
    wait(500);
    store.curves.add({ stage: 'search', trial: 0 }, epoch(0, 0.25));
    expect(does()).toEqual([
      training({ stage: 'search', trial: 0 }, { since: now(), epochs: 1, of: 3, validationAccuracy: 0.25 }),
      training({ stage: 'search', trial: 1 }, { since: began, of: 3 }),
    ]);
    store.trials.finish(0, { state: 'complete', values: measured(0.5, 1) });
    store.trials.finish(1, { state: 'failed', values: {} });
    expect(does()).toEqual([]);

    store.measurements.add({ ...calibration, purpose: 'frontier' });
    expect(does()).toEqual([{ kind: 'measuring', purpose: 'frontier', measured: 1, since: now() }]);
    store.finals.start(0);
    expect(does()).toMatchObject([{ training: { stage: 'final', trial: 0 }, of: 6 }]);
    store.finals.finish(0, { state: 'complete', accuracy: 0.5, epochs: 6, seconds: 1 });
    expect(does()).toEqual([]);
  });

  it('exclude work that a stop or kill has ended', () => {
    const written = begun();
    const { store } = written;
    const memory = new RunCache();
    ask(written, 0);
    store.trials.start(0);
    expect(activityOf(written, memory)).toHaveLength(1);
    store.events.add({ kind: 'resumed', detail: { version: '0.1.0' } });
    expect(activityOf(written, memory)).toEqual([]);
    store.trials.start(0);
    expect(activityOf(written, memory)).toHaveLength(1);
    store.run.setStatus('interrupted');
    expect(activityOf(written, memory)).toEqual([]);
  });

  it('exclude paused trials until they are promoted', () => {
    const written = begun(experimentOn('train: {epochs: 9}', 'search: {fidelity: {type: freeze-thaw, eta: 3}}'));
    const { store } = written;
    const memory = new RunCache();
    ask(written, 0);
    store.trials.start(0);
    store.curves.add({ stage: 'search', trial: 0 }, epoch(0));
    expect(activityOf(written, memory)).toEqual([]);
    store.events.add({ kind: 'promoted', trial: 0, detail: { epochs: 3, reason: 'the best' } });
    store.trials.start(0);
    store.curves.add({ stage: 'search', trial: 0 }, epoch(1));
    expect(activityOf(written, memory)).toMatchObject([{ training: { trial: 0 }, epochs: 2, of: 9 }]);
    store.curves.add({ stage: 'search', trial: 0 }, epoch(2));
    expect(activityOf(written, memory)).toEqual([]);
  });
});
