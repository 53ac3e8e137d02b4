import { dominates, type AskContext, type Proposal } from '../../../search/index.js';
import type { FilterConfig } from '../../schema/search-settings.js';
import type { TrainingContext } from '../context.js';
import type { ProxyService } from '../jobs/proxies.js';
import type { ProposalFilter } from './proposals.js';

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
