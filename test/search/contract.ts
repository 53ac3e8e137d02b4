import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import {
  SpaceExhausted,
  violated,
  type Controller,
  type ControllerInput,
  type Objective,
  type TrialResult,
} from '../../search/index.js';
import { enumerate, genotypeId, sampleGenotype, tableSpace, type Genotype } from '../../spaces/index.js';
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

/** What tells nothing. */
const constant: Objective = { name: 'constant', direction: 'minimize', cost: 'expensive' };

/** Trials one after the other, each with the outcome that `told` gives. */
function searchWith(
  controller: Controller,
  trials: number,
  told: (number: number, genotype: Genotype) => TrialResult,
): readonly TrialResult[] {
  const history: TrialResult[] = [];
  for (let number = 0; number < trials; number++) {
    const { genotype } = controller.ask(contextOf(history));
    history.push(told(number, genotype));
  }
  return history;
}

/** As a history comes back from a store: equal, but no object is the same. */
const stored = (history: readonly TrialResult[]): TrialResult[] => JSON.parse(JSON.stringify(history)) as TrialResult[];

const idsOf = (history: readonly TrialResult[]): string[] => history.map(({ genotype }) => genotypeId(genotype));

function thrownBy(task: () => unknown): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

export interface Limits {
  /** Of an ordinary search; enough for the controller to use what it learnt in most of its asks. */
  readonly trials: number;
  /** How much of the processor's time an ask may take after how many trials, on a slow machine. */
  readonly askMs: number;
  readonly history: number;
  readonly asks: number;
}

/** What every controller keeps to, whatever its strategy. */
export function describeController(name: string, create: (input: ControllerInput) => Controller, limits: Limits): void {
  const { trials } = limits;
  describe(`the controller ${name}`, () => {
    it('is deterministic: same seed, same search; another seed, another', () => {
      const run = (seed: number) => search(create(input({ seed })), trials);
      const once = run(3);
      expect(run(3)).toEqual(once);
      expect(once.proposals).not.toEqual(run(4).proposals);
    });

    it.each([1, 4])('asks the same when it is made anew and fed the stored history, %i at once', (parallel) => {
      const whole = search(create(input()), trials, { parallel });
      for (const killed of [1, 7, 8, 9, trials >> 1, trials - 1]) {
        const from = stored(whole.history.slice(0, killed));
        const rest = search(create(input()), trials, { parallel, from });
        expect(rest.proposals).toEqual(whole.proposals.slice(killed));
      }
    });

    it('depends on nothing but what it is given, whatever it was asked before', () => {
      const { history } = search(create(input()), trials);
      const used = create(input());
      const sublist = fc.array(fc.boolean(), { minLength: history.length, maxLength: history.length });
      fc.assert(
        fc.property(sublist, fc.nat(history.length), (known, length) => {
          const asked = history.slice(0, length);
          const context = contextOf(
            asked.filter((_, i) => known[i]),
            asked.filter((_, i) => !known[i]).map(({ genotype }) => genotype),
          );
          expect(used.ask(context)).toEqual(create(input()).ask(context));
        }),
        { numRuns: trials },
      );
    });

    it('never asks a network twice, pending ones included, and asks canonical genotypes only', () => {
      for (const space of [table, canonicalSpace]) {
        const asked = space === table ? 3 * trials : canonicalCount - 3;
        const { history } = search(create(input({ space })), asked, { parallel: 5 });
        expect(new Set(idsOf(history)).size).toBe(asked);
        for (const { genotype } of history) {
          expect(space.canonical(genotype)).toEqual(genotype);
          genotype.forEach((index, i) => expect(space.decisions[i].choices[index]).toBeDefined());
        }
      }
    });

    it('goes through a space smaller than its budget once, then says that it is exhausted', () => {
      const controller = create(input({ space: canonicalSpace }));
      const { history } = search(controller, canonicalCount);
      expect(idsOf(history).sort()).toEqual([...enumerate(canonicalSpace)].map(genotypeId).sort());
      const error = thrownBy(() => controller.ask(contextOf(history)));
      expect(error).toBeInstanceOf(SpaceExhausted);
      expect(error).toMatchObject({ code: 'infeasible' });
      expect((error as Error).message).toContain(`all ${canonicalCount} networks of the space canonical`);
      const pending = history.map(({ genotype }) => genotype);
      expect(thrownBy(() => controller.ask(contextOf([], pending)))).toBeInstanceOf(SpaceExhausted);
      expect(search(controller, canonicalCount, { from: history.slice(0, -1) }).history).toEqual(history);
    });

    it('keeps the cheap constraints and counts what they rejected', () => {
      const judged = limited({ latency_ms: { max: 1.6 }, params: { min: 8000, max: 30_000 } });
      const { proposals, history } = search(create(input({ objectives: judged })), 60, { judged });
      for (const { genotype } of history) expect(violated(judged, cheapValues(genotype))).toEqual([]);
      expect(proposals.some(({ rejected }) => rejected > 0)).toBe(true);
      for (const { rejected } of proposals) expect(Number.isInteger(rejected) && rejected >= 0).toBe(true);
    });

    it('tries every network that keeps the constraints before it says that there is no other', () => {
      const judged = limited({ latency_ms: { max: 1.1 } });
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

    it('ends a search that no network can satisfy, and says which constraint and how close', () => {
      for (const space of [table, { ...table, name: 'wide', decisions: [...table.decisions, ...table.decisions] }]) {
        let calls = 0;
        const controller = create(input({ space, objectives: limited({ latency_ms: { max: 0.4 } }) }));
        const cheap = (genotype: Genotype) => (calls++, cheapValues(genotype));
        const error = thrownBy(() => controller.ask({ ...contextOf([]), cheap }));
        expect(error).toBeInstanceOf(NasError);
        expect(error).not.toBeInstanceOf(SpaceExhausted);
        expect(error).toMatchObject({ code: 'infeasible', exitCode: 3 });
        expect((error as Error).message).toMatch(
          new RegExp(
            `^no network of the space ${space.name} .* of ${calls} candidates, latency_ms rejected ${calls} \\(smallest seen 0\\.5, max 0\\.4\\)$`,
          ),
        );
        expect(calls).toBeLessThan(5000);
      }
    });

    it('does not look at a candidate twice within one ask', () => {
      const looked: string[] = [];
      const controller = create(input({ objectives: limited({ latency_ms: { max: 0.55 } }) }));
      controller.ask({
        ...contextOf([]),
        cheap: (genotype) => (looked.push(genotypeId(genotype)), cheapValues(genotype)),
      });
      expect(new Set(looked).size).toBe(looked.length);
    });

    it('goes on when every trial failed or was pruned', () => {
      let history: readonly TrialResult[] = [];
      const controller = create(input());
      for (let number = 0; number < 30; number++) {
        const { genotype } = controller.ask(contextOf(history));
        const told = outcomeOf(number, genotype);
        history = [
          ...history,
          number % 2 === 0 ? { ...told, state: 'failed', values: {} } : { ...told, state: 'pruned' },
        ];
      }
      expect(new Set(idsOf(history)).size).toBe(30);
    });

    it('takes constraints that are known only after training', () => {
      const judged = limited({ accuracy: { min: 0.8 } });
      const { proposals, history } = search(create(input({ objectives: judged })), 60, { judged });
      expect(new Set(history.map(({ state }) => state))).toEqual(new Set(['complete', 'pruned', 'failed']));
      expect(proposals.every(({ rejected }) => rejected === 0)).toBe(true);
    });

    it.each([
      ['one objective', limited({}).slice(0, 1)],
      ['one cheap objective', limited({}).slice(1)],
      ['three objectives', [...limited({}), { name: 'params', direction: 'minimize', cost: 'cheap' } as const]],
      ['nothing cheap', limited({}).map((objective) => ({ ...objective, cost: 'expensive' }) as const)],
      ['an objective that is always the same', [...limited({}), constant]],
      ['one objective, always the same', [constant]],
    ])('searches with %s, and asks no network twice', (_, objectives) => {
      const told = (number: number, genotype: Genotype): TrialResult => {
        const outcome = outcomeOf(number, genotype);
        return { ...outcome, values: { ...outcome.values, constant: 1 } };
      };
      const run = () => searchWith(create(input({ objectives })), trials, told);
      const first = run();
      expect(new Set(idsOf(first)).size).toBe(trials);
      expect(run()).toEqual(first);
    });

    it.each([NaN, Infinity])('goes on when accuracies are %d, once and always', (value) => {
      for (const often of [3, 1]) {
        const told = (number: number, genotype: Genotype): TrialResult => {
          const outcome = outcomeOf(number, genotype);
          const accuracy = number % often === 0 ? value : outcome.values['accuracy'];
          return outcome.state === 'complete' ? { ...outcome, values: { ...outcome.values, accuracy } } : outcome;
        };
        expect(new Set(idsOf(searchWith(create(input()), trials, told))).size).toBe(trials);
      }
    });

    it('asks only for networks that exist, and for all of them', () => {
      const rows = [...enumerate(table)].filter((_, i) => i % 61 === 7);
      const space = tableSpace('rows', table.decisions, rows);
      const controller = create(input({ space }));
      const { history } = search(controller, rows.length, { parallel: 3 });
      expect(idsOf(history).sort()).toEqual(rows.map(genotypeId).sort());
      expect(thrownBy(() => controller.ask(contextOf(history)))).toBeInstanceOf(SpaceExhausted);
    });

    it('asks first for what is enqueued, each once, constraints or not; then as it would have', () => {
      const enqueued = [
        { name: 'large', genotype: [4, 4, 4, 4, 4] },
        { name: 'small', genotype: [0, 0, 0, 0, 0] },
        { name: 'large again', genotype: [4, 4, 4, 4, 4] },
      ];
      const judged = limited({ latency_ms: { max: 3 } });
      const create2 = () => create(input({ objectives: judged, enqueued }));
      const { proposals, history } = search(create2(), 30, { parallel: 2, judged });
      expect(proposals.slice(0, 2)).toEqual([
        {
          genotype: [4, 4, 4, 4, 4],
          source: { kind: 'enqueued', name: 'large' },
          reason: 'enqueued: large',
          rejected: 0,
        },
        {
          genotype: [0, 0, 0, 0, 0],
          source: { kind: 'enqueued', name: 'small' },
          reason: 'enqueued: small',
          rejected: 0,
        },
      ]);
      expect(proposals.slice(2).every(({ source }) => source.kind === 'controller')).toBe(true);
      for (const { genotype } of history.slice(1)) expect(violated(judged, cheapValues(genotype))).toEqual([]);
      const rest = search(create(input({ objectives: judged })), 30, {
        parallel: 2,
        judged,
        from: history.slice(0, 2),
      });
      expect(rest.proposals).toEqual(proposals.slice(2));
    });

    it('gives one line on why for each', () => {
      const { proposals } = search(create(input()), trials);
      for (const { reason } of proposals) expect(reason).toMatch(/^[^\n]{6,160}$/);
    });

    it(`asks in less than ${limits.askMs} ms after ${limits.history} trials`, () => {
      const space = { ...table, decisions: [...table.decisions, ...table.decisions] };
      const history: TrialResult[] = [];
      const controller = create(input({ space }));
      const random = new Random(5, 'history');
      const seen = new Set<string>();
      while (history.length < limits.history) {
        const genotype = sampleGenotype(space, random);
        if (seen.has(genotypeId(genotype))) continue;
        seen.add(genotypeId(genotype));
        history.push(outcomeOf(history.length, genotype));
      }
      controller.ask(contextOf(history));
      // The time of the processor: other tests run beside this one.
      const start = process.cpuUsage();
      for (let i = 0; i < limits.asks; i++) {
        const { genotype } = controller.ask(contextOf(history));
        history.push(outcomeOf(history.length, genotype));
      }
      const { user, system } = process.cpuUsage(start);
      expect((user + system) / 1000 / limits.asks).toBeLessThan(limits.askMs);
    });
  });
}
