import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../base/errors.js';
import { SpaceExhausted, violated, type Controller, type ControllerInput, type Told } from '../../search/index.js';
import { enumerate, genotypeId, type Genotype } from '../../spaces/index.js';
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

/** As a history comes back from a store: equal, but no object is the same. */
const stored = (history: readonly Told[]): Told[] => JSON.parse(JSON.stringify(history)) as Told[];

const idsOf = (history: readonly Told[]): string[] => history.map(({ genotype }) => genotypeId(genotype));

function thrownBy(task: () => unknown): unknown {
  try {
    task();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** What every controller keeps to, whatever its strategy. */
export function describeController(
  name: string,
  create: (input: ControllerInput) => Controller,
  limits: { readonly askMs: number },
): void {
  describe(`the controller ${name}`, () => {
    it('is deterministic: same seed, same search; another seed, another', () => {
      const run = (seed: number) => search(create(input({ seed })), 40);
      expect(run(3)).toEqual(run(3));
      expect(run(3).proposals).not.toEqual(run(4).proposals);
    });

    it.each([1, 4])('asks the same when it is made anew and fed the stored history, %i at once', (parallel) => {
      const whole = search(create(input()), 50, { parallel });
      for (const killed of [1, 7, 8, 9, 26, 49]) {
        const from = stored(whole.history.slice(0, killed));
        const rest = search(create(input()), 50, { parallel, from });
        expect(rest.proposals).toEqual(whole.proposals.slice(killed));
      }
    });

    it('depends on nothing but what it is given, whatever it was asked before', () => {
      const { history } = search(create(input()), 40);
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
        { numRuns: 60 },
      );
    });

    it('never asks a network twice, pending ones included, and asks canonical genotypes only', () => {
      for (const space of [table, canonicalSpace]) {
        const trials = space === table ? 150 : canonicalCount - 3;
        const { history } = search(create(input({ space })), trials, { parallel: 5 });
        expect(new Set(idsOf(history)).size).toBe(trials);
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
      let history: readonly Told[] = [];
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

    it(`asks in less than ${limits.askMs} ms after ten thousand trials`, () => {
      const space = { ...table, decisions: [...table.decisions, ...table.decisions] };
      const history: Told[] = [];
      const controller = create(input({ space }));
      for (const genotype of enumerate(space)) {
        if (history.push(outcomeOf(history.length, genotype)) === 10_000) break;
      }
      controller.ask(contextOf(history));
      // Slow ones are asked less often.
      const asks = Math.max(3, Math.min(100, Math.floor(2000 / limits.askMs)));
      const start = performance.now();
      for (let i = 0; i < asks; i++) {
        const { genotype } = controller.ask(contextOf(history));
        history.push(outcomeOf(history.length, genotype));
      }
      expect((performance.now() - start) / asks).toBeLessThan(limits.askMs);
    });
  });
}
