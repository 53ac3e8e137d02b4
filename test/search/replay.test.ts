import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type AskContext, type ControllerName, type TrialResult } from '../../search/index.js';
import { choicesOf, genotypeId } from '../../spaces/index.js';
import { Store, type TrialRecord } from '../../store/index.js';
import { meta } from '../store/support.js';
import { temporaryFolder } from '../support/temporary.js';
import { cheapValues, controllerOf, outcomeOf, table } from './support.js';

/** A finished trial as the store has it. */
function resultOf({ number, genotype, state, observed }: TrialRecord): TrialResult[] {
  return state === 'waiting' || state === 'running' ? [] : [{ number, genotype, state, values: observed }];
}

let folder: string;
beforeEach(() => void (folder = temporaryFolder()));

/** Asks and finishes trials until `trials` are asked. */
function run(path: string, name: ControllerName, trials: number, finishLate: (number: number) => boolean): void {
  const store = Store.open(path);
  const controller = controllerOf(name);
  for (let number = store.trials.all().length; number < trials; number++) {
    const all = store.trials.all();
    const history = all.flatMap(resultOf);
    const pending = all.filter((trial) => resultOf(trial).length === 0);
    const context: AskContext = {
      number,
      history,
      pending: pending.map(({ genotype }) => genotype),
      cheap: cheapValues,
    };
    const { genotype, reason, rejected } = controller.ask(context);
    store.trials.ask({
      number,
      genotype,
      genotypeId: genotypeId(genotype),
      choices: choicesOf(table.decisions, genotype),
      network: {},
      seed: number,
      reason,
      rejected,
      pending: pending.map((trial) => trial.number),
    });
    const finished = finishLate(number) ? [] : [...pending.map((trial) => trial.number), number];
    for (const done of finished) {
      const { state, values } = outcomeOf(done, store.trials.get(done)?.genotype ?? []);
      const measured = Object.entries(values).map(([key, value]) => [key, { value, provenance: 'measured' as const }]);
      store.trials.finish(done, { state, values: Object.fromEntries(measured) as never });
    }
  }
  store.close();
}

const all = 14;

// The other controllers depend on their history in the same ways.
describe.each(['nsga2', 'surrogate'] as const)('the controller %s', (name) => {
  it('asks the same when the run is stopped and continues from the store', () => {
    const whole = join(folder, 'whole.sqlite');
    const stopped = join(folder, 'stopped.sqlite');
    for (const path of [whole, stopped]) Store.create(path, meta, () => 0).close();
    const late = (number: number): boolean => number % 3 === 1;
    run(whole, name, all, late);
    for (const until of [1, 9, all]) run(stopped, name, until, late);
    const [a, b] = [whole, stopped].map((path) => Store.open(path, { readonly: true, clock: () => 0 }));
    const timeless = (store: Store) =>
      store.trials.all().map((trial) => ({ ...trial, askedAt: 0, startedAt: 0, finishedAt: 0 }));
    expect(timeless(b)).toEqual(timeless(a));
    a.close();
    b.close();
  });
});
