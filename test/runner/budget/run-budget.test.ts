import { describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../../experiments/parse/index.js';
import { storeBudget } from '../../../runner/budget/index.js';
import { budgetMinutes } from '../../../runner/budget/decisions.js';
import { RunBudget } from '../../../runner/budget/run-budget.js';
import { settledBy, stepsOf, type SettledBudget } from '../../../runner/budget/settle.js';
import type { RunEvent } from '../../../runner/events.js';
import type { TrainingPlan } from '../../../runner/plan.js';
import { withMoreTrials } from '../../../runner/stored-experiment.js';
import { experimentOf } from '../../../runner/stored/experiment.js';
import { Store } from '../../../store/index.js';
import { meta, newTrial } from '../../store/support.js';
import { measured } from '../stored/trials.js';

/** A run of ten minutes on 1,280 images, or with other keys, as it is before its budget chooses. */
function written(changes: object = {}) {
  const experiment = {
    name: 'budget',
    data: { type: 'cifar10', path: 'x' },
    space: { type: 'mobilenet', preset: 'tiny' },
    search: { parallel: 2 },
    budget: { minutes: 10 },
    ...changes,
  };
  const loaded = parseExperiment('experiment.yaml', JSON.stringify(experiment), { checkFiles: false });
  const counts = { train: 1280, validation: 320, test: 320 };
  const plan = {
    kind: 'training',
    experiment: trainingOf(loaded),
    data: { counts, unlabelled: 0, height: 32, width: 32, channels: 3 },
    folds: null,
  } as unknown as TrainingPlan;
  return { plan, written: loaded.written };
}

/** What a machine needs: a step takes 50 ms, and a trial's training starts in a second. */
function settled(
  changes: object = {},
  step = 0.05,
  free = 1,
): { readonly plan: TrainingPlan; readonly budget: SettledBudget } {
  const { plan, written: as } = written(changes);
  const times = {
    training: (config: Parameters<typeof stepsOf>[1]) => 1 + step * stepsOf(plan, config),
    start: 1,
    step,
    latency: 1,
    counting: 0,
    free,
  };
  const minutes = plan.experiment.budget?.minutes ?? 0;
  const budget = settledBy(plan, times, { minutes, written: as, spent: 20 });
  return { plan: { ...plan, experiment: budget.experiment }, budget };
}

describe('a budget', () => {
  it('chooses the keys that are not written', () => {
    const { search, train, final } = settled().budget.experiment;
    expect(search.trials).toBeGreaterThan(20);
    expect(train.epochs * 10).toBe(train.steps);
    expect(final?.epochs).toBeGreaterThan(2 * train.epochs);
    const own = settled({
      search: { parallel: 2, trials: 12 },
      train: { steps: 300 },
      latency: { calibration: 9 },
    }).budget.experiment;
    expect(own).toMatchObject({ search: { trials: 12 }, train: { steps: 300 }, latency: { calibration: 9 } });
    expect(settled({ final: 'none' }).budget.experiment.final).toBeNull();
    expect(settled({ final: { epochs: 30 } }).budget.experiment.final).toMatchObject({ epochs: 30 });
    const teacher = settled({ teacher: 'train' }).budget.experiment.teacher;
    expect(teacher).toMatchObject({ type: 'train', minutes: 2 });
    expect(teacher).not.toHaveProperty('epochs');
  });

  it('chooses the augmentation by the lengths that it chooses', () => {
    const { train, final } = settled({ train: { epochs: 5 } }).budget.experiment;
    expect([train, final].map((config) => config?.augment.length)).toEqual([2, 3]);
    const own = settled({ train: { epochs: 5, augment: ['flip'] } }).budget.experiment;
    expect(own.final?.augment).toEqual([{ type: 'flip' }]);
  });

  it('says the least minutes where it is too short', () => {
    expect(() => settled({ budget: { minutes: 1 } })).toThrow(
      /^budget.minutes: 1 is too short: 8 trials of 90 steps, and final trainings of 360 for some 5 networks take about [\d.]+ minutes on this machine; fewer find little$/,
    );
    expect(() => settled({ search: { parallel: 2, trials: 500 } })).toThrow(/10 is too short: 500 trials of 90 steps/);
  });

  it('takes the least plan where other programs alone make it too short', () => {
    const { lines, start } = settled({}, 0.5, 0.25).budget;
    expect(start.plan).toMatchObject({ trials: 8, steps: 90, final: 360 });
    expect(lines.at(-1)).toMatch(/^Other programs keep 75 % of the processors busy. If they go on, this takes 13 min/);
    expect(() => settled({}, 0.5, 0.95)).toThrow('10 is too short');
  });

  it.each([
    [{ supernet: { epochs: 2 } }, 'beside a supernet'],
    [{ search: { fidelity: 'freeze-thaw' } }, 'beside search.fidelity freeze-thaw'],
    [{ workers: { type: 'queue', url: 'redis://localhost' } }, 'beside a queue'],
  ])('is refused with %j', (changes, why) => {
    expect(() => written(changes)).toThrow(why);
  });
});

/** A stored run with a budget, whose clock stands at a number of seconds since it was stored. */
function begun() {
  let now = 0;
  const clock = (): number => 1000 * now;
  const { plan, budget } = settled();
  const create = (store: Store): void => storeBudget(store, budget);
  const store = Store.inMemory({ ...meta, experiment: plan.experiment }, clock);
  create(store);
  const run = { ...plan, clock };
  const events: RunEvent[] = [];
  /** Trials of some seconds each, two at a time. */
  const trials = (count: number, seconds: number) => {
    for (let i = 0; i < count; i += 2) {
      const numbers = [i, i + 1];
      for (const number of numbers) store.trials.ask(newTrial(number));
      now += seconds;
      for (const number of numbers) {
        const values = measured({ accuracy: 0.5 + number / 1000, latency_ms: 1 + number });
        store.trials.finish(number, { state: 'complete', values });
      }
    }
  };
  return {
    plan: run,
    store,
    trials,
    to: (seconds: number) => void (now = seconds),
    observe: (event: RunEvent) => void events.push(event),
    events,
  };
}

describe('the budget of a run', () => {
  it('begins with as many trials as its plan has', () => {
    const { plan, store } = begun();
    const planned = plan.experiment.search.trials;
    expect(Math.abs((RunBudget.of(plan, store)?.trials ?? 0) - planned)).toBeLessThanOrEqual(2);
  });

  it('plans more trials where they take less time, and ends the search before its frontier', () => {
    const quick = begun();
    quick.trials(10, 5);
    const slow = begun();
    slow.trials(10, 60);
    const [fast, late] = [quick, slow].map(({ plan, store }) => RunBudget.of(plan, store));
    expect(fast?.mayAsk()).toBe(true);
    expect(fast?.trials).toBeGreaterThan(late?.trials ?? Infinity);
    expect(late?.mayAsk()).toBe(false);
    expect(fast?.spent).toBe(20 + 25);
    expect(late?.left).toBe(600 - 20 - 300);
  });

  it('stores the end of its search and the length of its final trainings, which a resumed run keeps', () => {
    const { plan, store, trials, observe, events } = begun();
    trials(6, 40);
    expect(() => withMoreTrials(plan.experiment, '+4', store, observe)).toThrow('the budget of the run decides');
    const budget = RunBudget.of(plan, store);
    budget?.endSearch(observe);
    expect(experimentOf(store).search.trials).toBe(6);
    expect(budget?.mayAsk()).toBeUndefined();
    const decided = budget?.decideFinal([store.trials.all()], observe);
    expect(decided?.final?.steps).toBeGreaterThan(1000);
    expect(experimentOf(store)).toMatchObject({ final: { steps: decided?.final?.steps }, search: { trials: 6 } });
    expect(events).toMatchObject([
      { kind: 'note', message: expect.stringMatching(/^The search ends after 6 trials \(planned \d+\)/) as string },
      { kind: 'note', message: expect.stringMatching(/^Final trainings have [\d,]+ steps/) as string },
    ]);
    const again = RunBudget.of(plan, store);
    expect(again?.decideFinal([store.trials.all()], observe)).toBeUndefined();
    expect(again?.mayAsk()).toBeUndefined();
    expect(withMoreTrials(experimentOf(store), '+4', store, observe).search.trials).toBe(10);
  });

  it('has no final trainings where no time is left, and counts no time in which the run stood still', () => {
    const { plan, store, trials, to, observe } = begun();
    trials(2, 100);
    store.run.setStatus('interrupted');
    to(5000);
    store.events.add({ kind: 'resumed' });
    expect(budgetMinutes(store, plan.clock)).toEqual({ spent: 2, budget: 10 });
    to(5440);
    const budget = RunBudget.of(plan, store);
    expect(budget?.spent).toBe(560);
    expect(budget?.decideFinal([store.trials.all()], observe)).toEqual({ final: null });
    expect(experimentOf(store)).toMatchObject({ final: null });
  });
});
