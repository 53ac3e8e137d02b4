import type { Random } from '../../../../base/random.js';
import { parseExperiment, trainingOf } from '../../../../experiments/parse/index.js';
import { Store, type Clock, type ObjectiveValues, type StoredPrecision } from '../../../../store/index.js';
import { newEpoch, newTrial, meta } from '../../../store/support.js';

/** An experiment that trains; `lines` are further keys of it. */
export const experimentOn = (...lines: readonly string[]) => {
  const keys = ['name: history', 'data: fashion-mnist', 'space: {type: mobilenet, preset: tiny}', ...lines, ''];
  return trainingOf(parseExperiment('history.yaml', keys.join('\n')));
};

export const start = 1_700_000_000_000;

export interface Written {
  readonly store: Store;
  readonly wait: (ms: number) => void;
  readonly now: () => number;
}

/**
 * The store of a run that has just begun, and its clock.
 * @param file where it is kept; default: in memory
 */
export function begun(experiment = experimentOn(), file?: string): Written {
  let now = start;
  const clock: Clock = () => now;
  const own = { ...meta, name: 'history', seed: 5, environment: { cpu: 'x' }, experiment, written: undefined };
  const store = file === undefined ? Store.inMemory(own, clock) : Store.create(file, own, clock);
  return { store, wait: (ms) => void (now += ms), now: clock };
}

export const ask = ({ store }: Written, number: number, rejected = 0): void =>
  store.trials.ask(
    newTrial(number, {
      genotype: [number],
      genotypeId: String(number),
      choices: { width: number % 3, depth: number % 2 === 0 },
      network: { kind: 'row' },
      reason: `because of ${number}`,
      rejected,
    }),
  );

export const measured = (accuracy: number, latency: number): ObjectiveValues => ({
  accuracy: { value: accuracy, provenance: 'measured' },
  latency_ms: { value: latency, provenance: 'measured' },
});

export const epoch = (number: number, accuracy = 0.5) =>
  newEpoch(number, {
    ...{ trainLoss: 1 / (1 + number), trainAccuracy: accuracy, validationLoss: 1, validationAccuracy: accuracy },
    seconds: 2,
  });

/** Coarse values with many ties. */
const draw = (random: Random): ObjectiveValues => measured(random.int(8) / 8, 1 + random.int(8));

/** Applies a random valid event to a run. */
export function happen(written: Written, random: Random): void {
  const { store, wait } = written;
  wait(random.int(5000));
  const trials = store.trials.range(0, 1000);
  const inState = (...states: readonly string[]) => trials.filter(({ state }) => states.includes(state));
  const some = <T>(items: readonly T[], task: (item: T) => void): void => {
    if (items.length > 0) task(random.pick(items));
  };
  const precision = random.pick<StoredPrecision>(['fp32', 'int8']);
  const happenings: readonly (() => void)[] = [
    () => ask(written, trials.length, random.int(3)),
    () => ask(written, trials.length),
    () => some(inState('waiting', 'running'), ({ number }) => void store.trials.start(number)),
    () => some(inState('running'), ({ number }) => store.curves.add({ stage: 'search', trial: number }, epoch(0))),
    () =>
      some(inState('running'), ({ number }) => {
        const state = random.pick(['complete', 'complete', 'complete', 'pruned', 'failed'] as const);
        store.trials.finish(number, { state, values: state === 'failed' ? {} : draw(random) });
      }),
    () => some(inState('complete', 'waiting'), ({ number }) => store.trials.revise(number, draw(random))),
    () =>
      some(inState('complete'), ({ number, variants }) => {
        if (variants.some((variant) => variant.precision === precision))
          store.trials.revise(number, draw(random), precision);
      }),
    () => some(inState('running', 'complete'), ({ number }) => store.variants.revise(number, precision, draw(random))),
    () =>
      some(inState('running', 'complete'), ({ number }) =>
        store.variants.judge(number, precision, { accepted: random.int(3) > 0, reason: null }),
      ),
    () => store.events.add({ kind: 'note', detail: { message: 'something was noticed' } }),
  ];
  random.pick(happenings)();
}
