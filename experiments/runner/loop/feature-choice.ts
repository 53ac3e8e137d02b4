import { FeaturedSurrogate, type AskContext, type Proposal } from '../../../search/index.js';
import type { FeaturesConfig } from '../../schema/search-settings.js';
import type { TrainingContext } from '../context.js';
import type { ProxyService } from '../jobs/proxies.js';
import type { ProposalFilter } from './proposals.js';

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
