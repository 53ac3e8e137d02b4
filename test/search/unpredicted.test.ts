import { describe, expect, it } from 'vitest';
import { controllerNames, type AskContext, type Objective } from '../../search/index.js';
import { genotypeId } from '../../spaces/index.js';
import { cheapValues, contextOf, controllerOf, objectives, search } from './support.js';

const controllers = controllerNames;

/** As when nothing predicts latency. */
const unpredicted = (context: AskContext): AskContext => ({
  ...context,
  cheap: (genotype) => ({ params: cheapValues(genotype).params }),
  unpredicted: ['latency_ms'],
});

const measured: readonly Objective[] = objectives.map((objective) =>
  objective.name === 'latency_ms' ? { ...objective, cost: 'untrained' } : objective,
);

describe('a cheap objective that cannot be predicted now', () => {
  it.each(controllers)('is known of trials only to %s', (name) => {
    const { history } = search(controllerOf(name), 30);
    const context = unpredicted(contextOf(history));
    const used = controllerOf(name);
    const before = used.ask(contextOf(history));
    const known = { ...context, unpredicted: [] };
    expect(used.ask(context)).toEqual(controllerOf(name, { objectives: measured }).ask(known));
    expect(used.ask(contextOf(history))).toEqual(before);
  });

  it('is modelled by the surrogate', () => {
    const { history } = search(controllerOf('surrogate'), 30);
    const { genotype, reason } = controllerOf('surrogate').ask(unpredicted(contextOf(history)));
    expect(reason).toMatch(/^expected hypervolume \+.*predicted latency_ms .* ± /);
    expect(history.map(({ genotype: asked }) => genotypeId(asked))).not.toContain(genotypeId(genotype));
  });
});
