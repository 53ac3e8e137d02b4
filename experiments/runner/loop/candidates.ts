import { costs, genotypeId, type Costs, type Genotype, type Network } from '../../../spaces/index.js';
import type { LatencyModel, Prediction } from '../../../latency-models/index.js';
import type { Values } from '../../../search/index.js';
import type { ObjectiveValues } from '../../../store/index.js';
import type { TrainingPlan } from '../plan.js';

/** What the costs of a network say about objectives: exact, and known before anything runs. */
const costObjectives = {
  macs: (c) => c.macs,
  params: (c) => c.params,
  activation_bytes: (c) => c.activationBytes,
  size_bytes: (c) => c.sizeBytes,
} as const satisfies Record<string, (costs: Costs) => number>;

/** Builds candidates of a space and knows their cheap objectives; networks and costs are computed once. */
export class Candidates {
  private readonly networks = new Map<string, Network>();
  private readonly known = new Map<string, Values>();

  constructor(private readonly plan: TrainingPlan) {}

  network(genotype: Genotype): Network {
    return memoised(this.networks, genotypeId(genotype), () => this.plan.space.build(genotype));
  }

  /** Exact costs by objective name. */
  costs(genotype: Genotype): Values {
    return memoised(this.known, genotypeId(genotype), () => {
      const computed = costs(this.network(genotype));
      return Object.fromEntries(Object.entries(costObjectives).map(([name, of]) => [name, of(computed)]));
    });
  }

  /** What the controller may know before training: exact costs, and the latency that a fitted model predicts. */
  cheap(genotype: Genotype, model: LatencyModel | null): Values {
    const latency = this.predict(genotype, model);
    return latency === undefined ? this.costs(genotype) : { ...this.costs(genotype), latency_ms: latency.ms };
  }

  predict(genotype: Genotype, model: LatencyModel | null): Prediction | undefined {
    return model?.predict(this.network(genotype));
  }

  /** The costs as values to store. */
  computed(genotype: Genotype): ObjectiveValues {
    return Object.fromEntries(
      Object.entries(this.costs(genotype)).map(([name, value]) => [name, { value, provenance: 'computed' }]),
    );
  }
}

function memoised<T>(values: Map<string, T>, key: string, make: () => T): T {
  const found = values.get(key);
  if (found !== undefined) return found;
  const made = make();
  values.set(key, made);
  return made;
}
