import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import {
  SpaceExhausted,
  violated,
  type Controller,
  type ControllerInput,
  type Objective,
  type TrialResult,
} from '../../search/index.js';
import { controllerChecks } from '../../search/testing.js';
import { enumerate, genotypeId, tableSpace, type Genotype } from '../../spaces/index.js';
import {
  canonicalCount,
  canonicalSpace,
  cheapValues,
  contextOf,
  input,
  limited,
  outcomeOf,
  search,
  table,
} from './support.js';

const constant: Objective = { name: 'constant', direction: 'minimize', cost: 'expensive' };

/** Trials one after the other, each with the outcome of `train`. */
function searchWith(
  controller: Controller,
  trials: number,
  train: (number: number, genotype: Genotype) => TrialResult,
): readonly TrialResult[] {
  const history: TrialResult[] = [];
  for (let number = 0; number < trials; number++)
    history.push(train(number, controller.ask(contextOf(history)).genotype));
  return history;
}

const idsOf = (history: readonly TrialResult[]): string[] => history.map(({ genotype }) => genotypeId(genotype));

function thrownBy(task: () => unknown): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/**
 * The contract of every controller, beyond the checks that users have.
 * @param trials of an ordinary search; enough for the controller to use its results in most asks.
 */
export function describeController(name: string, create: (input: ControllerInput) => Controller, trials: number): void {
  describe(`the controller ${name}`, () => {
    it.each(controllerChecks(create))('$name', ({ run }) => run());

    it('asks every network of a small space once, and then reports that it is exhausted', () => {
      const controller = create(input({ space: canonicalSpace }));
      const { history } = search(controller, canonicalCount, { parallel: 5 });
      expect(idsOf(history).sort()).toEqual([...enumerate(canonicalSpace)].map(genotypeId).sort());
      const error = thrownBy(() => controller.ask(contextOf(history)));
      expect(error).toBeInstanceOf(SpaceExhausted);
      expect((error as Error).message).toContain(`all ${canonicalCount} networks of the space canonical`);
      const pending = history.map(({ genotype }) => genotype);
      expect(thrownBy(() => controller.ask(contextOf([], pending)))).toBeInstanceOf(SpaceExhausted);
    });

    it('keeps the cheap constraints, counts rejections, and gives a reason of one line', () => {
      const judged = limited({ latency_ms: { max: 1.6 }, params: { min: 8000, max: 30_000 } });
      const { proposals, history } = search(create(input({ objectives: judged })), trials, { judged });
      for (const { genotype } of history) expect(violated(judged, cheapValues(genotype))).toEqual([]);
      expect(proposals.some(({ rejected }) => rejected > 0)).toBe(true);
      for (const { rejected, reason } of proposals) {
        expect(Number.isInteger(rejected) && rejected >= 0).toBe(true);
        expect(reason).toMatch(/^[^\n]{6,160}$/);
      }
    });

    it('asks every network that keeps the constraints before it gives up', () => {
      const judged = limited({ latency_ms: { max: 0.9 } });
      const kept = [...enumerate(table)].filter((g) => violated(judged, cheapValues(g)).length === 0).map(genotypeId);
      const controller = create(input({ objectives: judged }));
      const { history } = search(controller, kept.length, { judged });
      expect(idsOf(history).sort()).toEqual(kept.sort());
      const error = thrownBy(() => controller.ask(contextOf(history)));
      expect(error).toBeInstanceOf(SpaceExhausted);
      expect((error as Error).message).toContain('latency_ms rejected');
    });

    it('finds the one network in ten million that keeps a constraint', () => {
      const wide = { ...table, name: 'wide', decisions: [...table.decisions, ...table.decisions] };
      const judged = limited({ latency_ms: { max: 0.51 } });
      const { genotype } = create(input({ space: wide, objectives: judged })).ask(contextOf([]));
      expect(genotype).toEqual(wide.decisions.map(() => 0));
    });

    it('rejects constraints that no network keeps with the closest value, after few candidates, each judged once', () => {
      for (const space of [table, { ...table, name: 'wide', decisions: [...table.decisions, ...table.decisions] }]) {
        const judged: string[] = [];
        const controller = create(input({ space, objectives: limited({ latency_ms: { max: 0.4 } }) }));
        const cheap = (genotype: Genotype) => (judged.push(genotypeId(genotype)), cheapValues(genotype));
        const error = thrownBy(() => controller.ask({ ...contextOf([]), cheap }));
        expect(error).toBeInstanceOf(NasError);
        expect(error).not.toBeInstanceOf(SpaceExhausted);
        expect(error).toMatchObject({ code: 'infeasible', exitCode: 3 });
        const count = judged.length;
        expect((error as Error).message).toMatch(
          new RegExp(
            `^no network of the space ${space.name} .* of ${count} candidates, latency_ms rejected ${count} \\(smallest seen 0\\.5, max 0\\.4\\)$`,
          ),
        );
        expect(count).toBeLessThan(5000);
        expect(new Set(judged).size).toBe(count);
      }
    });

    it('continues when every trial failed or was pruned', () => {
      const history = searchWith(create(input()), 30, (number, genotype) => {
        const outcome = outcomeOf(number, genotype);
        return number % 2 === 0 ? { ...outcome, state: 'failed', values: {} } : { ...outcome, state: 'pruned' };
      });
      expect(new Set(idsOf(history)).size).toBe(30);
    });

    it('accepts constraints that are known only after training', () => {
      const judged = limited({ accuracy: { min: 0.8 } });
      const { proposals, history } = search(create(input({ objectives: judged })), trials, { judged });
      expect(new Set(history.map(({ state }) => state))).toEqual(new Set(['complete', 'pruned', 'failed']));
      expect(proposals.every(({ rejected }) => rejected === 0)).toBe(true);
    });

    it.each([
      ['one objective', limited({}).slice(0, 1)],
      ['one cheap objective', limited({}).slice(1)],
      ['three objectives', [...limited({}), { name: 'params', direction: 'minimize', cost: 'cheap' } as const]],
      ['only expensive objectives', limited({}).map((objective) => ({ ...objective, cost: 'expensive' }) as const)],
      ['a constant objective', [...limited({}), constant]],
      ['one constant objective', [constant]],
    ])('asks no network twice with %s', (_, objectives) => {
      const history = searchWith(create(input({ objectives })), trials, (number, genotype) => {
        const outcome = outcomeOf(number, genotype);
        return { ...outcome, values: { ...outcome.values, constant: 1 } };
      });
      expect(new Set(idsOf(history)).size).toBe(trials);
    });

    it.each([
      [NaN, 3],
      [Infinity, 1],
    ])('continues when accuracies are %d in one of %i trials', (value, often) => {
      const history = searchWith(create(input()), trials, (number, genotype) => {
        const outcome = outcomeOf(number, genotype);
        const accuracy = number % often === 0 ? value : outcome.values['accuracy'];
        return outcome.state === 'complete' ? { ...outcome, values: { ...outcome.values, accuracy } } : outcome;
      });
      expect(new Set(idsOf(history)).size).toBe(trials);
    });

    it('asks only for networks that exist, and for all of them', () => {
      const rows = [...enumerate(table)].filter((_, i) => i % 99 === 7);
      const space = tableSpace('rows', table.decisions, rows);
      const controller = create(input({ space }));
      const { history } = search(controller, rows.length, { parallel: 3 });
      expect(idsOf(history).sort()).toEqual(rows.map(genotypeId).sort());
      expect(thrownBy(() => controller.ask(contextOf(history)))).toBeInstanceOf(SpaceExhausted);
    });

    it('asks each enqueued network once, whatever the constraints, and then as it would have', () => {
      const enqueued = [
        { name: 'large', genotype: [4, 4, 4, 4, 4] },
        { name: 'small', genotype: [0, 0, 0, 0, 0] },
        { name: 'large again', genotype: [4, 4, 4, 4, 4] },
      ];
      const judged = limited({ latency_ms: { max: 3 } });
      const options = { parallel: 2, judged };
      const { proposals, history } = search(create(input({ objectives: judged, enqueued })), trials, options);
      expect(proposals.slice(0, 2).map(({ genotype, source }) => [genotype, source])).toEqual([
        [[4, 4, 4, 4, 4], { kind: 'enqueued', name: 'large' }],
        [[0, 0, 0, 0, 0], { kind: 'enqueued', name: 'small' }],
      ]);
      expect(proposals[0]).toMatchObject({ reason: 'enqueued: large', rejected: 0 });
      const rest = search(create(input({ objectives: judged })), trials, { ...options, from: history.slice(0, 2) });
      expect(rest.proposals).toEqual(proposals.slice(2));
    });
  });
}
