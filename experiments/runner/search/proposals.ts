import { setImmediate as turn } from 'node:timers/promises';
import { NasError } from '../../../base/errors.js';
import {
  type AskContext,
  type Controller,
  dominates,
  FeaturedSurrogate,
  type Proposal,
} from '../../../search/index.js';
import type { FeaturesConfig, FilterConfig } from '../../schema/search-settings.js';
import type { TrainingContext } from '../plan.js';
import type { ProxyService } from '../evaluators/proxies.js';

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

/**
 * Takes the first proposal that no other beats, where the proxy stands for what training would tell and the cheap
 * objectives count as they are: of networks that cost the same, the one that looks best untrained. So neither small nor
 * large networks are preferred, and among what is left, the controller's own order counts.
 */
export class ProxyFilter implements ProposalFilter {
  constructor(
    private readonly context: TrainingContext,
    private readonly proxies: ProxyService,
    private readonly config: FilterConfig,
  ) {}

  get of(): number {
    return this.config.of;
  }

  async choose(proposals: readonly Proposal[], { cheap }: AskContext, seed: number): Promise<Proposal> {
    const { proxy } = this.config;
    const networks = proposals.map(({ genotype }) => ({ network: this.context.candidates.network(genotype), seed }));
    const results = await this.proxies.compute(networks, [proxy]);
    // What cannot be computed looks worst.
    const scores = results.map((result) => ('values' in result ? result.values[proxy] : -Infinity));
    const points = proposals.map((proposal, i) => [-scores[i], ...this.costs(proposal, cheap)]);
    const first = points.findIndex((point) => !points.some((other) => dominates(other, point)));
    const score = Number(scores[first].toPrecision(4));
    const reason = `best of ${proposals.length} by ${proxy} (${score}): ${proposals[first].reason}`;
    return { ...proposals[first], reason };
  }

  /** The cheap objectives whose values are known, turned so that smaller is better. */
  private costs({ genotype }: Proposal, cheap: AskContext['cheap']): number[] {
    const values = cheap(genotype);
    return this.context.plan.experiment.objectives.flatMap(({ name, cost, direction }) => {
      if (cost !== 'cheap' || !(name in values)) return [];
      return [direction === 'minimize' ? values[name] : -values[name]];
    });
  }
}

/** Takes the proposal that is worth most to a surrogate with zero-cost proxies among its features. */
export class FeatureChoice implements ProposalFilter {
  private readonly surrogate: FeaturedSurrogate;

  constructor(
    private readonly context: TrainingContext,
    private readonly proxies: ProxyService,
    private readonly config: FeaturesConfig,
  ) {
    const { space, experiment } = context.plan;
    const { objectives, seed, search } = experiment;
    this.surrogate = new FeaturedSurrogate({ space, objectives, seed }, config.proxies, search.startup);
  }

  get of(): number {
    return this.config.of;
  }

  async choose(proposals: readonly Proposal[], context: AskContext, seed: number): Promise<Proposal> {
    const { proxies } = this.config;
    const networks = proposals.map(({ genotype }) => ({ network: this.context.candidates.network(genotype), seed }));
    const results = await this.proxies.compute(networks, proxies);
    const features = results.map((result) => ('values' in result ? result.values : {}));
    const candidates = proposals.map(({ genotype }, i) => ({ genotype, features: features[i] }));
    const best = this.surrogate.best(context, candidates);
    if (best === undefined) return proposals[0];
    const scores = Object.entries(features[best]).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
    const reason = `best of ${proposals.length} by features (${scores.join(', ')}): ${proposals[best].reason}`;
    return { ...proposals[best], reason };
  }
}
