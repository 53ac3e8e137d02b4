import { BoundedCache } from '../base/bounded-cache.js';
// Not deploy's index: that loads TF.js.
import { outlineOf } from '../deploy/edge/outline.js';
import { edgeSizes } from '../deploy/edge/sizes.js';
import type { LatencyModel } from '../latency-models/index.js';
import type { Values } from '../search/index.js';
import { costs, genotypeId, type Genotype, type Network, type Space } from '../spaces/index.js';
import type { ObjectiveValues, StoredPrecision, StoredPredictions, TrialRecord } from '../store/index.js';
import { precisionBefore } from './compress/index.js';
import { measuresOf, valuesFrom } from '../experiments/schema/measures.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';

/** A latency model for each precision that candidates are judged in. */
export type LatencyModels = Readonly<Partial<Record<StoredPrecision, LatencyModel>>>;

interface Source {
  readonly space: Space;
  readonly experiment: Pick<TrainingExperiment, 'compress'> &
    Partial<Pick<TrainingExperiment, 'objectives' | 'limits'>>;
}

const measured = measuresOf('costs');

/** Candidates whose networks, and whose costs, are cached before a cache is emptied. */
const [networks, costed] = [200, 10_000];

/** The networks of candidates and their cheap objectives, of the latest candidates from a cache. */
export class CandidateNetworks {
  private readonly networks = new BoundedCache<Network>(networks);
  private readonly computed = {
    fp32: new BoundedCache<Values>(costed),
    int8: new BoundedCache<Values>(costed),
  } as const satisfies Record<StoredPrecision, unknown>;

  /** Measures of memory that the experiment asks for. */
  private readonly memories: ReturnType<typeof measuresOf<'memory'>>;

  constructor(private readonly source: Source) {
    const { objectives = [], limits = [] } = source.experiment;
    const asked = new Set([...objectives, ...limits].map(({ name }) => name));
    this.memories = measuresOf('memory').filter(([name]) => asked.has(name));
  }

  network(genotype: Genotype): Network {
    return this.networks.of(genotypeId(genotype), () => this.source.space.build(genotype));
  }

  costs(genotype: Genotype, precision: StoredPrecision): Values {
    return this.computed[precision].of(genotypeId(genotype), () => {
      const network = this.network(genotype);
      const found = costs(network);
      return {
        ...Object.fromEntries(measured.map(([name, { of }]) => [name, of(found, precision)])),
        ...this.memory(network),
      };
    });
  }

  private memory(network: Network): Values {
    if (this.memories.length === 0) return {};
    const sizes = edgeSizes(outlineOf(network));
    return Object.fromEntries(this.memories.map(([name, { of }]) => [name, of(sizes)]));
  }

  /** Exact costs and predicted latency, both in the precision that the predictions favour. */
  cheap(genotype: Genotype, models: LatencyModels | null): Values {
    const predicted = this.predict(genotype, models);
    const { fp32, int8 } = predicted;
    const precision = this.precision({
      ...(fp32 !== undefined && { fp32: fp32.ms }),
      ...(int8 !== undefined && { int8: int8.ms }),
    });
    const latency = predicted[precision];
    const exact = this.costs(genotype, precision);
    return latency === undefined ? exact : { ...exact, latency_ms: latency.ms };
  }

  predict(genotype: Genotype, models: LatencyModels | null): StoredPredictions {
    const network = this.network(genotype);
    return Object.fromEntries(Object.entries(models ?? {}).map(([name, model]) => [name, model.predict(network)]));
  }

  of(trial: TrialRecord): { readonly values: ObjectiveValues } {
    return { values: this.known(trial) };
  }

  /** The costs as values to store, before any latency is known: in int8 where that may be chosen. */
  known({ genotype }: TrialRecord): ObjectiveValues {
    return this.values(genotype, this.precision({}));
  }

  values(genotype: Genotype, precision: StoredPrecision): ObjectiveValues {
    return valuesFrom('costs', this.costs(genotype, precision));
  }

  private precision(ms: Readonly<Partial<Record<StoredPrecision, number>>>): StoredPrecision {
    return precisionBefore(this.source.experiment.compress, ms);
  }
}
