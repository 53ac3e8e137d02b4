import { setImmediate as turn } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import type { AskContext, Controller, Proposal } from '../../../search/index.js';

/** Chooses one of a controller's proposals by a look at the networks themselves. */
export interface ProposalFilter {
  /** Proposals that one is chosen from. */
  readonly of: number;
  /**
   * @param context what the controller saw.
   * @param seed of the weights that the chosen one will begin with.
   */
  choose(proposals: readonly Proposal[], context: AskContext, seed: number): Promise<Proposal>;
}

/**
 * The controller's next proposals: each is asked for as if those before it were being tried. There is at least one, and
 * fewer than `count` when there are no others; one that was given beforehand stands alone.
 * @throws NasError what the controller throws when there is none.
 */
async function nextProposals(controller: Controller, context: AskContext, count: number): Promise<readonly Proposal[]> {
  const proposals = [controller.ask(context)];
  while (proposals.length < count && proposals[0].source.kind === 'controller') {
    // An ask may take a while; in between, others have their turn.
    await turn();
    const pending = [...context.pending, ...proposals.map(({ genotype }) => genotype)];
    try {
      proposals.push(controller.ask({ ...context, pending }));
    } catch (error) {
      if (error instanceof NasError && error.code === 'infeasible') break;
      throw error;
    }
  }
  return proposals;
}

/**
 * What the controller proposes, or what the filter chooses of its next proposals.
 * @param seed of the weights that the network will begin with.
 * @throws NasError what the controller throws when it has no proposal.
 */
export async function nextProposal(
  controller: Controller,
  context: AskContext,
  filter: ProposalFilter | undefined,
  seed: number,
): Promise<Proposal> {
  const proposals = await nextProposals(controller, context, filter?.of ?? 1);
  return filter === undefined || proposals.length === 1 ? proposals[0] : filter.choose(proposals, context, seed);
}
