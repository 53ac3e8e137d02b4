import { BoundedCache } from '../base/bounded-cache.js';
// Not deploy's index: that loads TF.js.
import { outlineOf } from '../deploy/edge/outline.js';
import { edgeSizes, sizesWithin, type EdgeSizes } from '../deploy/edge/sizes.js';
import type { LatencyModel } from '../latency-models/index.js';
import type { Values } from '../search/index.js';
import { costs, genotypeId, type Genotype, type Network, type Space } from '../spaces/index.js';
import type { ObjectiveValues, StoredPrecision, StoredPredictions, TrialRecord } from '../store/index.js';
import { precisionBefore } from './compress/gates.js';
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

const costCaches = () =>
  ({
    fp32: new BoundedCache<Values>(costed),
    int8: new BoundedCache<Values>(costed),
  }) as const satisfies Record<StoredPrecision, unknown>;

/** The networks of candidates and their cheap objectives, of the latest candidates from a cache. */
export class CandidateNetworks {
  private readonly networks = new BoundedCache<Network>(networks);
  private readonly exact = costCaches();
  private readonly near = costCaches();

  /** Measures of memory that the experiment asks for. */
  private readonly memories: ReturnType<typeof measuresOf<'memory'>>;
  /** The most memory of a candidate; undefined where memory is an objective. */
  private readonly most: EdgeSizes | undefined;

  constructor(private readonly source: Source) {
    const { objectives = [], limits = [] } = source.experiment;
    const isObjective = (name: string): boolean => objectives.some((objective) => objective.name === name);
    const limitOf = (name: string) => limits.find((limit) => limit.name === name)?.constraint?.max ?? Infinity;
    this.memories = measuresOf('memory').filter(([name]) => isObjective(name) || limitOf(name) < Infinity);
    this.most = this.memories.some(([name]) => isObjective(name))
      ? undefined
      : { sramBytes: limitOf('sram_bytes'), flashBytes: limitOf('flash_bytes') };
  }

  network(genotype: Genotype, id = genotypeId(genotype)): Network {
    return this.networks.of(id, () => this.source.space.build(genotype));
  }

  costs(genotype: Genotype, precision: StoredPrecision): Values {
    const id = genotypeId(genotype);
    return this.exact[precision].of(id, () =>
      this.valuesOf(this.network(genotype, id), precision, (network) => edgeSizes(outlineOf(network))),
    );
  }

  /** The same, with memory that is exact only near its limit. */
  private judged(genotype: Genotype, id: string, precision: StoredPrecision): Values {
    const { most } = this;
    if (most === undefined) return this.costs(genotype, precision);
    return this.near[precision].of(id, () =>
      this.valuesOf(this.network(genotype, id), precision, (network) => sizesWithin(network, most)),
    );
  }

  private valuesOf(network: Network, precision: StoredPrecision, sizesOf: (network: Network) => EdgeSizes): Values {
    const values: Record<string, number> = {};
    const found = costs(network);
    for (const [name, { of }] of measured) values[name] = of(found, precision);
    if (this.memories.length === 0) return values;
    const sizes = sizesOf(network);
    for (const [name, { of }] of this.memories) values[name] = of(sizes);
    return values;
  }

  /** Costs and predicted latency, both in the precision that the predictions favour. Memory is exact only near its limit. */
  cheap(genotype: Genotype, models: LatencyModels | null): Values {
    const id = genotypeId(genotype);
    const predicted = this.predict(genotype, models, id);
    const { fp32, int8 } = predicted;
    const precision = this.precision({
      ...(fp32 !== undefined && { fp32: fp32.ms }),
      ...(int8 !== undefined && { int8: int8.ms }),
    });
    const latency = predicted[precision];
    const known = this.judged(genotype, id, precision);
    return latency === undefined ? known : { ...known, latency_ms: latency.ms };
  }

  predict(genotype: Genotype, models: LatencyModels | null, id = genotypeId(genotype)): StoredPredictions {
    if (models === null) return {};
    const network = this.network(genotype, id);
    return Object.fromEntries(Object.entries(models).map(([name, model]) => [name, model.predict(network)]));
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
