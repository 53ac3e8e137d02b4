import { describe, expect, it } from 'vitest';
import type { ProposalFilter } from '../../../../experiments/runner/search/proposal-filters.js';
import { nextProposal } from '../../../../experiments/runner/search/proposals.js';
import {
  controllerNames,
  createController,
  searchSchema,
  type AskContext,
  type Proposal,
} from '../../../../search/index.js';
import { enumerate, genotypeId } from '../../../../spaces/index.js';
import { canonicalCount, canonicalSpace, contextOf, input, search } from '../../../search/support.js';

const controllers = controllerNames;

const controllerOf = (controller: (typeof controllers)[number], changes: Parameters<typeof input>[0] = {}) =>
  createController(controller, searchSchema.parse({ population: 4, startup: 4 }), input(changes));

class Last implements ProposalFilter {
  readonly of = 4;
  readonly shown: Proposal[][] = [];

  choose(proposals: readonly Proposal[]): Promise<Proposal> {
    this.shown.push([...proposals]);
    return Promise.resolve(proposals[proposals.length - 1]);
  }
}

describe('the proposals that a filter chooses from', () => {
  it.each(controllers)('are new and different ones of %s, the first what it would propose alone', async (name) => {
    const { history } = search(controllerOf(name), 12);
    const filter = new Last();
    const chosen = await nextProposal(controllerOf(name), contextOf(history), filter, 1);
    const [shown] = filter.shown;
    expect(shown).toHaveLength(4);
    expect(shown[0]).toEqual(controllerOf(name).ask(contextOf(history)));
    expect(chosen).toBe(shown[3]);
    const ids = [...history, ...shown].map(({ genotype }) => genotypeId(genotype));
    expect(new Set(ids).size).toBe(16);
    const again = new Last();
    await nextProposal(controllerOf(name), contextOf(history), again, 1);
    expect(again.shown).toEqual(filter.shown);
  });

  it('are fewer in a small space, and one alone for an enqueued network', async () => {
    const [first, ...rest] = [...enumerate(canonicalSpace)];
    const given = { space: canonicalSpace, enqueued: [{ genotype: first, name: 'ours' }] };
    const filter = new Last();
    const ask = (context: AskContext) => nextProposal(controllerOf('random', given), context, filter, 1);
    expect(await ask(contextOf([]))).toMatchObject({ genotype: first, reason: 'enqueued: ours' });
    expect(filter.shown).toEqual([]);
    const pending = [first, ...rest.slice(0, canonicalCount - 3)];
    await ask(contextOf([], pending));
    expect(filter.shown[0]).toHaveLength(2);
    await expect(ask(contextOf([], [first, ...rest]))).rejects.toMatchObject({ code: 'infeasible' });
  });
});
