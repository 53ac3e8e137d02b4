import { dominates, FeaturedSurrogate, type AskContext, type Proposal } from '../../../search/index.js';
import type { FeaturesConfig, FilterConfig } from '../../schema/search-settings.js';
import type { ProxyService } from '../evaluators/proxies.js';
import type { TrainingContext } from '../plan.js';

/** Chooses one of a controller's proposals by properties of their networks. */
export interface ProposalFilter {
  readonly of: number;
  /**
   * @param context of the controller.
   * @param seed of the initial weights of the chosen network.
   */
  choose(proposals: readonly Proposal[], context: AskContext, seed: number): Promise<Proposal>;
}

const short = (value: number): number => Number(value.toPrecision(4));

/**
 * Chooses the first proposal that no other dominates, where the proxy stands for accuracy and the cheap objectives count as
 * they are: of networks that cost the same, the one with the best proxy. So neither small nor large networks are preferred,
 * and the controller's own order decides among the rest.
 */
export class ProxyFilter implements ProposalFilter {
  readonly of: number;

  constructor(
    private readonly context: TrainingContext,
    private readonly proxies: ProxyService,
    private readonly config: FilterConfig,
  ) {
    this.of = config.of;
  }

  async choose(proposals: readonly Proposal[], { cheap }: AskContext, seed: number): Promise<Proposal> {
    const { proxy } = this.config;
    const networks = proposals.map(({ genotype }) => ({ network: this.context.candidates.network(genotype), seed }));
    const results = await this.proxies.compute(networks, [proxy]);
    // A proxy that cannot be computed is the worst.
    const scores = results.map((result) => ('values' in result ? result.values[proxy] : -Infinity));
    const points = proposals.map((proposal, i) => [-scores[i], ...this.costs(proposal, cheap)]);
    const first = points.findIndex((point) => !points.some((other) => dominates(other, point)));
    const reason = `best of ${proposals.length} by ${proxy} (${short(scores[first])}): ${proposals[first].reason}`;
    return { ...proposals[first], reason };
  }

  /** The known cheap objectives, signed so that smaller is better. */
  private costs({ genotype }: Proposal, cheap: AskContext['cheap']): number[] {
    const values = cheap(genotype);
    return this.context.plan.experiment.objectives.flatMap(({ name, cost, direction }) => {
      if (cost !== 'cheap' || !(name in values)) return [];
      return [direction === 'minimize' ? values[name] : -values[name]];
    });
  }
}

/** Chooses the best proposal by a surrogate that has zero-cost proxies among its features. */
export class FeatureFilter implements ProposalFilter {
  readonly of: number;
  private readonly surrogate: FeaturedSurrogate;

  constructor(
    private readonly context: TrainingContext,
    private readonly proxies: ProxyService,
    private readonly config: FeaturesConfig,
  ) {
    const { space, experiment } = context.plan;
    const { objectives, seed, search } = experiment;
    this.of = config.of;
    this.surrogate = new FeaturedSurrogate({ space, objectives, seed }, config.proxies, search.startup);
  }

  async choose(proposals: readonly Proposal[], context: AskContext, seed: number): Promise<Proposal> {
    const { proxies } = this.config;
    const networks = proposals.map(({ genotype }) => ({ network: this.context.candidates.network(genotype), seed }));
    const results = await this.proxies.compute(networks, proxies);
    const features = results.map((result) => ('values' in result ? result.values : {}));
    const candidates = proposals.map(({ genotype }, i) => ({ genotype, features: features[i] }));
    const best = this.surrogate.best(context, candidates);
    if (best === undefined) return proposals[0];
    const scores = Object.entries(features[best]).map(([name, value]) => `${name} ${short(value)}`);
    const reason = `best of ${proposals.length} by features (${scores.join(', ')}): ${proposals[best].reason}`;
    return { ...proposals[best], reason };
  }
}
