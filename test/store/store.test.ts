import { describe, expect, it } from 'vitest';
import { Store, type Epoch } from '../../store/index.js';
import { errorOf, meta, newMeasurement, newStore, newTrial, newEpoch } from './support.js';

const epoch = (n: number, trainLoss = 1 / (n + 3)): Epoch =>
  newEpoch(n, { trainLoss, trainAccuracy: 0.1 + 0.2, validationAccuracy: 1 / 3 });

describe('a run', () => {
  it('is what it was created with', () => {
    const { store } = newStore();
    const { written, ...facts } = meta;
    expect(store.events.of('created')[0].detail).toMatchObject({ written });
    expect(store.run.get()).toEqual({ ...facts, createdAt: 1_700_000_000_000 });
    expect(store.run.status()).toMatchObject({ status: 'running', message: null });
    store.run.setStatus('interrupted', 'Ctrl-C');
    store.run.setStatus('infeasible', 'no network is small enough');
    expect(store.run.status()).toMatchObject({ status: 'infeasible', message: 'no network is small enough' });
  });

  it('is read by others while it is written, and after it was closed', () => {
    const { store, path } = newStore();
    const reader = Store.open(path, { readonly: true });
    store.trials.ask(newTrial(0));
    expect(reader.trials.all()).toHaveLength(1);
    reader.close();
    store.close();
    store.close();
    const later = Store.open(path, { readonly: true });
    expect(later.trials.get(0)?.state).toBe('waiting');
    expect(errorOf(() => later.trials.start(0)).message).toMatch(/read-only/);
    later.close();
  });
});

describe('a trial', () => {
  it('goes from waiting to its outcome', () => {
    const { store } = newStore();
    const trial = newTrial(0, { predictions: { fp32: { ms: 1.25, std: 0.5, coverage: 1 } }, rejected: 3 });
    store.trials.ask(trial);
    store.trials.ask(newTrial(1, { pending: [0] }));
    expect(store.trials.get(0)).toMatchObject({ state: 'waiting', attempts: 0, startedAt: null, rejected: 3 });
    expect(store.trials.start(0)).toBe(1);
    expect(store.trials.start(0)).toBe(2);
    expect(store.trials.get(0)).toMatchObject({ state: 'running', attempts: 2, finishedAt: null });
    const values = {
      accuracy: { value: 0.1 + 0.2, provenance: 'measured' },
      macs: { value: 1e9, provenance: 'computed' },
    };
    store.trials.finish(0, { state: 'complete', values: { ...values } as never });
    store.trials.finish(1, { state: 'pruned', message: 'too slow', values: {} });

    const [first, second] = store.trials.all();
    expect(first).toMatchObject({
      state: 'complete',
      values,
      observed: { accuracy: 0.1 + 0.2, macs: 1e9 },
      choices: trial.choices,
    });
    expect(first.genotype).toEqual(trial.genotype);
    expect(first.startedAt).toBeGreaterThan(first.askedAt);
    expect(first.finishedAt).toBeGreaterThan(first.startedAt ?? Infinity);
    expect(second).toMatchObject({ state: 'pruned', message: 'too slow', pending: [0], values: {}, observed: {} });
    expect(store.trials.all()).toEqual([store.trials.get(0), store.trials.get(1)]);
    expect(store.trials.prediction(0)).toEqual(trial.predictions?.fp32);
    expect(store.trials.prediction(1)).toBeUndefined();
    expect(store.trials.get(2)).toBeUndefined();
    expect(store.networks.get('0-1-0')).toEqual(trial.network);
    expect(store.networks.get('none')).toBeUndefined();
    expect(store.trials.progress()).toEqual({ waiting: 0, running: 0, complete: 1, pruned: 1, failed: 0 });
  });

  it('keeps what the controller observed when a value is revised', () => {
    const { store } = newStore();
    store.trials.ask(newTrial(0));
    store.trials.finish(0, { state: 'complete', values: { latency_ms: { value: 2, provenance: 'predicted' } } });
    store.trials.revise(0, { latency_ms: { value: 2.25, provenance: 'measured' } });
    expect(store.trials.get(0)).toMatchObject({
      values: { latency_ms: { value: 2.25, provenance: 'measured' } },
      observed: { latency_ms: 2 },
    });
  });

  it('is asked once, ends once, and no network is asked twice', () => {
    const { store } = newStore();
    store.trials.ask(newTrial(0));
    expect(() => store.trials.ask(newTrial(0, { genotypeId: 'other' }))).toThrow(/UNIQUE/);
    expect(() => store.trials.ask(newTrial(1, { genotypeId: '0-1-0' }))).toThrow(/UNIQUE/);
    store.trials.finish(0, { state: 'failed', values: {} });
    expect(() => store.trials.finish(0, { state: 'complete', values: {} })).toThrow(/UNIQUE/);
    expect(() => store.trials.start(5)).toThrow(/FOREIGN KEY/);
    expect(store.trials.all()).toHaveLength(1);
    expect(store.networks.get('other')).toBeUndefined();
  });
});

describe('curves', () => {
  it('belong to a trial of a stage, or to the teacher', () => {
    const { store } = newStore();
    store.trials.ask(newTrial(0));
    const search = { stage: 'search', trial: 0 } as const;
    store.curves.add(search, epoch(1));
    store.curves.add(search, epoch(0));
    store.curves.add({ stage: 'final', trial: 0 }, epoch(0));
    store.curves.add({ stage: 'teacher' }, epoch(7));
    expect(store.curves.of(search)).toEqual([epoch(0), epoch(1)]);
    expect(store.curves.of({ stage: 'final', trial: 0 })).toEqual([epoch(0)]);
    expect(store.curves.of({ stage: 'teacher' })).toEqual([epoch(7)]);
  });

  it('show an epoch that was trained again as it was trained last', () => {
    const { store } = newStore();
    store.curves.add({ stage: 'teacher' }, epoch(0, 5));
    store.curves.add({ stage: 'teacher' }, epoch(0, 4));
    store.curves.add({ stage: 'teacher' }, epoch(0, 6));
    expect(store.curves.of({ stage: 'teacher' })).toEqual([epoch(0, 6)]);
  });
});

describe('measurements, finals, artifacts, events', () => {
  it('come back as they were given', () => {
    const { store } = newStore();
    store.trials.ask(newTrial(0));
    const samples = Array.from({ length: 1000 }, (_, i) => Math.sqrt(i));
    const first = store.measurements.add(newMeasurement({ genotypeId: 'calibration' }));
    const second = store.measurements.add(
      newMeasurement({ trial: 0, purpose: 'trial', converged: false, p99: null, samples }),
    );
    expect(store.measurements.all().map(({ id }) => id)).toEqual([first, second]);
    const { network, samples: given, ...rest } = newMeasurement({ genotypeId: 'calibration' });
    expect(store.measurements.all()[0]).toMatchObject({ ...rest, trial: null });
    expect(store.networks.get('calibration')).toEqual(network);
    expect(store.measurements.of(0)).toMatchObject([{ id: second, converged: false, p99: null, purpose: 'trial' }]);
    expect(store.measurements.samples(first)).toEqual(given);
    expect(store.measurements.samples(second)).toEqual(samples);
    expect(store.measurements.samples(99)).toEqual([]);

    expect(store.finals.start(0)).toBe(1);
    expect(store.finals.attemptsMade(0)).toBe(1);
    expect(store.trials.get(0)?.attempts).toBe(0);
    store.finals.finish(0, { state: 'complete', accuracy: 0.9, testAccuracy: 0.89, epochs: 20, seconds: 60.5 });
    expect(store.finals.all()).toMatchObject([
      { trial: 0, state: 'complete', accuracy: 0.9, testAccuracy: 0.89, epochs: 20, seconds: 60.5, message: null },
    ]);

    const file = { kind: 'onnx', path: 'artifacts/0.onnx', sha256: 'ab', bytes: 10 };
    store.artifacts.add({ stage: 'final', trial: 0 }, file);
    store.artifacts.add({ stage: 'teacher' }, { ...file, path: 'teacher.bin' });
    store.artifacts.add({ stage: 'final', trial: 0 }, { ...file, sha256: 'cd', bytes: 11 });
    expect(store.artifacts.all()).toMatchObject([
      { stage: 'teacher', trial: null, path: 'teacher.bin' },
      { stage: 'final', trial: 0, path: 'artifacts/0.onnx', sha256: 'cd', bytes: 11 },
    ]);

    store.events.add({ kind: 'note', detail: { text: 'hello' } });
    const events = store.events.all();
    expect(events.map(({ kind }) => kind)).toEqual([
      'created',
      'status',
      'asked',
      'measured',
      'measured',
      'started',
      'final-finished',
      'artifact',
      'artifact',
      'artifact',
      'note',
    ]);
    expect(store.events.all(events.at(-2)?.seq)).toMatchObject([
      { kind: 'note', trial: null, detail: { text: 'hello' } },
    ]);
  });
});

describe('what may not be stored', () => {
  it.each([NaN, Infinity, -Infinity])('refuses %s everywhere', (bad) => {
    const { store } = newStore();
    store.trials.ask(newTrial(0));
    const before = store.events.all();
    const values = {
      macs: { value: 1, provenance: 'computed' },
      accuracy: { value: bad, provenance: 'measured' },
    } as const;
    const tries: [what: string, task: () => unknown][] = [
      ['accuracy of trial 0', () => store.trials.finish(0, { state: 'complete', values })],
      ['training loss of trial 0 in epoch 2', () => store.curves.add({ stage: 'search', trial: 0 }, epoch(2, bad))],
      ['measured latency', () => store.measurements.add(newMeasurement({ p99: bad }))],
      ['measured latency', () => store.measurements.add(newMeasurement({ samples: [1, bad] }))],
      [
        'predicted latency',
        () => store.trials.ask(newTrial(1, { predictions: { int8: { ms: bad, std: 1, coverage: 1 } } })),
      ],
      ['event note: deep', () => store.events.add({ kind: 'note', detail: { deep: bad } })],
      ['accuracy', () => store.finals.finish(0, { state: 'complete', accuracy: bad, epochs: 1, seconds: 1 })],
    ];
    for (const [what, task] of tries) {
      const error = errorOf(task);
      expect(error.code).toBe('failure');
      expect(error.message).toContain(what);
      expect(error.message).toContain(`is ${bad}, not a finite number`);
    }
    expect(store.events.all()).toEqual(before);
    expect(store.trials.get(0)).toMatchObject({ state: 'waiting', values: {} });
    expect(store.trials.all()).toHaveLength(1);
  });
});

describe('transactions', () => {
  it('record all of several calls, or none', () => {
    const { store } = newStore();
    expect(() =>
      store.transaction(() => {
        store.trials.ask(newTrial(0));
        store.trials.start(0);
        throw new Error('half way');
      }),
    ).toThrow('half way');
    expect(store.trials.all()).toEqual([]);
    expect(store.transaction(() => (store.trials.ask(newTrial(0)), store.trials.start(0)))).toBe(1);
    expect(store.trials.get(0)?.state).toBe('running');
  });
});
