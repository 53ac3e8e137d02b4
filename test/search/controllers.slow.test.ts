import { describe, expect, it } from 'vitest';
import { Random } from '../../base/random.js';
import { controllerNames, type ControllerName, type TrialResult } from '../../search/index.js';
import { genotypeId, sampleGenotype } from '../../spaces/index.js';
import { contextOf, controllerOf, input, outcomeOf, table } from './support.js';

interface Limits {
  /** Most processor time of an ask after `history` trials, averaged over `asks`, on a slow machine. */
  readonly askMs: number;
  readonly history: number;
  readonly asks: number;
}

const limits: { readonly [K in ControllerName]: Limits } = {
  random: { askMs: 4, history: 10_000, asks: 100 },
  local: { askMs: 20, history: 5000, asks: 50 },
  surrogate: { askMs: 1000, history: 500, asks: 3 },
};

describe.each(controllerNames)('the controller %s', (name) => {
  it('asks fast after many trials', () => {
    const { askMs, history: trials, asks } = limits[name];
    const space = { ...table, decisions: [...table.decisions, ...table.decisions] };
    const controller = controllerOf(name, input({ space }));
    const random = new Random(5, 'history');
    const history: TrialResult[] = [];
    const seen = new Set<string>();
    while (history.length < trials) {
      const genotype = sampleGenotype(space, random);
      if (seen.has(genotypeId(genotype))) continue;
      seen.add(genotypeId(genotype));
      history.push(outcomeOf(history.length, genotype));
    }
    controller.ask(contextOf(history));
    const start = process.cpuUsage();
    for (let i = 0; i < asks; i++) history.push(outcomeOf(history.length, controller.ask(contextOf(history)).genotype));
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1000 / asks).toBeLessThan(askMs);
  });
});
