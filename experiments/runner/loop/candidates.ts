import { costs, genotypeId, type Genotype, type Network } from '../../../spaces/index.js';
import type { LatencyModel, Prediction } from '../../../latency-models/index.js';
import type { Values } from '../../../search/index.js';
import type { ObjectiveValues, TrialRecord } from '../../../store/index.js';
import { measuresOf, valuesFrom } from '../../measures.js';
import type { TrainingPlan } from '../plan.js';

/** Builds candidates of a space and knows their cheap objectives; networks and costs are computed once. */
export class Candidates {
  private readonly networks = new Map<string, Network>();
  private readonly computed = new Map<string, Values>();

  constructor(private readonly plan: TrainingPlan) {}

  network(genotype: Genotype): Network {
    return memoised(this.networks, genotypeId(genotype), () => this.plan.space.build(genotype));
  }

  /** Exact costs by objective name. */
  costs(genotype: Genotype): Values {
    return memoised(this.computed, genotypeId(genotype), () => {
      const computed = costs(this.network(genotype));
      return Object.fromEntries(measuresOf('costs').map(([name, { of }]) => [name, of(computed)]));
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

  of(trial: TrialRecord): { readonly values: ObjectiveValues } {
    return { values: this.known(trial) };
  }

  /** The costs as values to store. */
  known({ genotype }: TrialRecord): ObjectiveValues {
    return valuesFrom('costs', this.costs(genotype));
  }
}

function memoised<T>(values: Map<string, T>, key: string, make: () => T): T {
  const found = values.get(key);
  if (found !== undefined) return found;
  const made = make();
  values.set(key, made);
  return made;
}
