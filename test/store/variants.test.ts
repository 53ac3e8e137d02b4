import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storedPrecisions, trialStates, type ObjectiveValues, type Store } from '../../store/index.js';
import { errorOf, newMeasurement, newStore, newTrial } from './support.js';

const measured = (value: number) => ({ value, provenance: 'measured' }) as const;

function storeWithTrial(): Store {
  const { store } = newStore();
  store.trials.ask(newTrial(0));
  return store;
}

describe('the precision of a trial', () => {
  it('is fp32 until another one is chosen, with its values', () => {
    const store = storeWithTrial();
    expect(store.trials.get(0)).toMatchObject({ precision: 'fp32', variants: [] });
    store.trials.finish(0, { state: 'complete', values: { latency_ms: measured(1) }, precision: 'int8' });
    expect(store.trials.get(0)?.precision).toBe('int8');
    store.trials.revise(0, { latency_ms: measured(2) });
    expect(store.trials.get(0)).toMatchObject({ precision: 'int8', values: { latency_ms: measured(2) } });
    store.trials.revise(0, { latency_ms: measured(3) }, 'fp32');
    expect(store.trials.get(0)).toMatchObject({
      precision: 'fp32',
      values: { latency_ms: measured(3) },
      observed: { latency_ms: 1 },
    });
    expect(store.trials.all()).toEqual([store.trials.get(0)]);
    expect(store.events.of('finished', 'values').map(({ detail }) => detail)).toEqual([
      { state: 'complete', precision: 'int8' },
      { objectives: ['latency_ms'] },
      { objectives: ['latency_ms'], precision: 'fp32' },
    ]);
  });
});

describe('variants', () => {
  it('have their latest values and verdicts, fp32 first', () => {
    const store = storeWithTrial();
    expect(store.variants.of(0)).toEqual([]);
    store.variants.revise(0, 'int8', { latency_ms: { value: 1, provenance: 'predicted' }, size_bytes: measured(7) });
    const int8 = { trial: 0, precision: 'int8' };
    const values = { latency_ms: { value: 1, provenance: 'predicted' }, size_bytes: measured(7) };
    expect(store.variants.of(0)).toEqual([{ ...int8, values, accepted: null, reason: null, detail: null }]);
    store.variants.revise(0, 'fp32', { latency_ms: measured(2) });
    store.variants.revise(0, 'int8', { latency_ms: measured(1.5) });
    store.variants.judge(0, 'int8', { accepted: true, reason: null, detail: { method: 'minmax' } });
    store.variants.judge(0, 'fp32', { accepted: true, reason: null });
    store.variants.judge(0, 'int8', { accepted: false, reason: 'int8 is 0.71 × as fast (min_speedup 1.05)' });
    const expected = [
      {
        trial: 0,
        precision: 'fp32',
        values: { latency_ms: measured(2) },
        accepted: true,
        reason: null,
        detail: null,
      },
      {
        ...int8,
        values: { latency_ms: measured(1.5), size_bytes: measured(7) },
        accepted: false,
        reason: 'int8 is 0.71 × as fast (min_speedup 1.05)',
        detail: null,
      },
    ];
    expect(store.variants.of(0)).toEqual(expected);
    expect(store.trials.get(0)?.variants).toEqual(expected);
    expect(store.events.of('variant-values', 'variant-judged').map(({ kind, detail }) => [kind, detail])).toEqual([
      ['variant-values', { precision: 'int8', objectives: ['latency_ms', 'size_bytes'] }],
      ['variant-values', { precision: 'fp32', objectives: ['latency_ms'] }],
      ['variant-values', { precision: 'int8', objectives: ['latency_ms'] }],
      ['variant-judged', { precision: 'int8', accepted: true, reason: null }],
      ['variant-judged', { precision: 'fp32', accepted: true, reason: null }],
      ['variant-judged', { precision: 'int8', accepted: false, reason: 'int8 is 0.71 × as fast (min_speedup 1.05)' }],
    ]);
  });

  it('may be judged without values, of trials that were asked, in precisions that there are', () => {
    const store = storeWithTrial();
    store.variants.judge(0, 'int8', { accepted: false, reason: 'it could not be quantized' });
    expect(store.variants.of(0)).toMatchObject([{ precision: 'int8', values: {}, accepted: false }]);
    expect(() => store.variants.judge(1, 'int8', { accepted: true, reason: null })).toThrow(/FOREIGN KEY/);
    expect(() => store.variants.revise(1, 'int8', { latency_ms: measured(1) })).toThrow(/FOREIGN KEY/);
    expect(() => store.variants.revise(0, 'fp16' as never, { latency_ms: measured(1) })).toThrow(/CHECK/);
    const error = errorOf(() => store.variants.revise(0, 'int8', { macs: measured(1), latency_ms: measured(NaN) }));
    expect(error.message).toBe('latency_ms of trial 0 in int8 is NaN, not a finite number');
    expect(store.variants.of(0)).toMatchObject([{ values: {} }]);
  });
});

describe('the input of the frontier', () => {
  it('is of each complete trial what was chosen, then every other variant that is accepted', () => {
    const objectives = ['accuracy', 'latency_ms', 'macs'];
    const some = fc.dictionary(fc.constantFrom(...objectives), fc.nat(9));
    const variant = fc.record({ values: some, accepted: fc.constantFrom(true, false, null) });
    const trial = fc.record({
      state: fc.constantFrom(...trialStates),
      precision: fc.constantFrom(...storedPrecisions),
      values: some,
      variants: fc.record({ fp32: variant, int8: variant }, { requiredKeys: [] }),
    });
    const known = (values: Readonly<Record<string, number>>): ObjectiveValues =>
      Object.fromEntries(Object.entries(values).map(([name, value]) => [name, measured(value)]));
    fc.assert(
      fc.property(fc.array(trial, { maxLength: 6 }), (trials) => {
        const { store } = newStore();
        for (const [number, { state, precision, values, variants }] of trials.entries()) {
          store.trials.ask(newTrial(number));
          for (const each of storedPrecisions) {
            const { values: own = {}, accepted = null } = variants[each] ?? {};
            store.variants.revise(number, each, known(own));
            if (accepted !== null) store.variants.judge(number, each, { accepted, reason: null });
          }
          if (state === 'waiting' || state === 'running') continue;
          store.trials.finish(number, { state, values: known(values), precision });
        }
        const expected = trials.flatMap(({ state, precision, values, variants }, number) => {
          if (state !== 'complete' || Object.keys(values).length === 0) return [];
          const others = storedPrecisions.filter((each) => each !== precision && variants[each]?.accepted === true);
          const own = (each: (typeof storedPrecisions)[number]) =>
            Object.fromEntries(Object.entries(variants[each]?.values ?? {}).filter(([name]) => name in values));
          return [
            { number, precision, state, values },
            ...others.map((each) => ({ number, precision: each, state, values: { ...values, ...own(each) } })),
          ];
        });
        expect(store.overview.complete()).toEqual(expected);
        store.close();
      }),
      { numRuns: 25 },
    );
  });
});

describe('measurements, predictions and finals', () => {
  it('are kept for each precision', () => {
    const store = storeWithTrial();
    store.measurements.add(newMeasurement({ trial: 0, precision: 'int8', ms: 0.5 }));
    store.measurements.add(newMeasurement({ trial: 0 }));
    expect(store.measurements.of(0)).toMatchObject([
      { precision: 'int8', ms: 0.5 },
      { precision: 'fp32', ms: 1.5 },
    ]);

    const [fp32, int8] = [1, 2].map((ms) => ({ ms, std: 0.5, coverage: 1 }));
    store.trials.ask(newTrial(1, { predictions: { fp32, int8 } }));
    store.trials.ask(newTrial(2, { predictions: { int8 } }));
    expect([1, 2].map((trial) => storedPrecisions.map((each) => store.trials.prediction(trial, each)))).toEqual([
      [fp32, int8],
      [undefined, int8],
    ]);

    expect(store.finals.start(0)).toBe(1);
    expect(store.finals.start(0)).toBe(2);
    expect(store.finals.attemptsMade(0)).toBe(2);
    const training = { state: 'complete', epochs: 3, seconds: 9 } as const;
    store.finals.finish(1, { ...training, accuracy: 0.5 });
    store.finals.finish(0, { ...training, precision: 'int8', accuracy: 0.75 });
    store.finals.finish(0, { ...training, accuracy: 0.875 });
    expect(store.finals.all()).toMatchObject([
      { trial: 0, precision: 'fp32', accuracy: 0.875, epochs: 3 },
      { trial: 0, precision: 'int8', accuracy: 0.75, epochs: 3 },
      { trial: 1, precision: 'fp32', accuracy: 0.5 },
    ]);
    expect(() => store.finals.finish(0, { ...training, precision: 'int8' })).toThrow(/UNIQUE/);
  });
});
