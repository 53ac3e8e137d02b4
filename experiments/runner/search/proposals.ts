import { setImmediate as nextTurn } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import type { AskContext, Controller, Proposal } from '../../../search/index.js';
import type { ProposalFilter } from './proposal-filters.js';

/**
 * The controller's next proposals, each asked for as if those before it were pending: at least one, and fewer than `count`
 * when the controller has no others. An enqueued network stands alone.
 * @throws NasError the controller's, when it has no proposal.
 */
async function nextProposals(controller: Controller, context: AskContext, count: number): Promise<readonly Proposal[]> {
  const proposals = [controller.ask(context)];
  while (proposals.length < count && proposals[0].source.kind === 'controller') {
    // An ask may take a while; other events are handled in between.
    await nextTurn();
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
 * The controller's proposal, or the one of its next proposals that the filter chooses.
 * @param seed of the network's initial weights.
 * @throws NasError the controller's, when it has no proposal.
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
