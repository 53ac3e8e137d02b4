import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { Network } from '../../spaces/index.js';
import { precisions, type Precision } from '../schema.js';
import { sumOf, surcharges, termsOf, type UnitCosts } from './columns.js';
import { type Catalogue, countLayers, type LayerFeatures, type Profile } from './features.js';

export interface Prediction {
  readonly ms: number;
  /** Standard deviation of the error, in ms. */
  readonly std: number;
  /** Share of the network's work that the model has evidence for, in [0, 1]; the rest is extrapolated. */
  readonly coverage: number;
}

export interface LatencyModel {
  predict(network: Network): Prediction;
  toJSON(): object;
}

/** The stored form of a model. */
const storedSchema = z.strictObject({
  version: z.literal(4),
  /** Columns that the fit has not seen are absent, not 0. */
  ms_per_unit: z.record(z.string(), z.number().min(0)),
  /** Traffic from which a convolution is heavy, in values. */
  heavy_traffic: z.number().min(0),
  floor_ms: z.number().gt(0),
  /** Standard deviation of leave-one-out errors, as a share of the prediction. */
  relative_std: z.number().min(0),
  observations: z.number().int().min(1),
});
type LinearCostData = z.output<typeof storedSchema>;

/** Bounds extrapolation. */
const minCoverage = 1e-3;

interface LayerCost {
  readonly ms: number;
  readonly covered: boolean;
  readonly work: number;
}

/** Latency as a linear function of physical totals: multiply-accumulates by kind, activation traffic, launches, parameters. */
export class LinearCostModel implements LatencyModel {
  private readonly unitCosts: UnitCosts;
  private readonly costs = new Map<LayerFeatures, LayerCost>();

  constructor(private readonly data: LinearCostData) {
    this.unitCosts = new Map(Object.entries(data.ms_per_unit));
  }

  /**
   * Layers with work of a kind that the fit has not seen are uncovered. They cost the mean of the covered layers per unit of
   * work (multiply-accumulates, or values where there are none), and that cost counts as error in `std`.
   */
  predict(network: Network): Prediction {
    return this.predictCounts(countLayers(network));
  }

  predictProfile(catalogue: Catalogue, { layers, counts }: Profile): Prediction {
    return this.predictCounts(layers.map((i, k) => [catalogue.layers[i], counts[k]] as const));
  }

  private predictCounts(layers: Iterable<readonly [LayerFeatures, number]>): Prediction {
    const { data } = this;
    let ms = this.unitCosts.get('constant') ?? 0;
    let [work, covered] = [0, 0];
    for (const [layer, count] of layers) {
      const cost = this.costOf(layer);
      ms += count * cost.ms;
      work += count * cost.work;
      if (cost.covered) covered += count * cost.work;
    }
    const explained = Math.max(ms, data.floor_ms);
    const coverage = work === 0 ? 1 : covered / work;
    const extrapolated = explained * (1 / Math.max(coverage, minCoverage) - 1);
    return {
      ms: explained + extrapolated,
      std: Math.hypot(data.relative_std * explained, extrapolated),
      coverage,
    };
  }

  toJSON(): LinearCostData {
    return this.data;
  }

  private costOf(layer: LayerFeatures): LayerCost {
    const known = this.costs.get(layer);
    if (known !== undefined) return known;
    const cost: LayerCost = {
      ms: sumOf(termsOf(layer, this.data.heavy_traffic), this.unitCosts),
      // Heavy layers and layers with surcharges count as covered by the other layers of their kind.
      covered: layer.terms.every(([column]) => this.unitCosts.has(column) || surcharges.has(column)),
      work: layer.work,
    };
    this.costs.set(layer, cost);
    return cost;
  }
}

/** A model's file: the stored model, and the precision of the networks that it was fitted to. */
const fileSchema = z.looseObject({ precision: z.enum(precisions).default('fp32') });

/** The content of a latency model's file; `latencyModelFrom` reads it. */
export const latencyModelFile = (model: LatencyModel, precision: Precision): object => ({
  ...model.toJSON(),
  ...(precision === 'fp32' ? {} : { precision }),
});

/**
 * A latency model from its `toJSON`, or from its file.
 * @param precision of the networks to predict
 * @throws NasError `invalid-input` for other content, and for a model of another precision, whose latencies say little of
 * this one, not even which of two networks is faster
 */
export function latencyModelFrom(json: unknown, precision: Precision = 'fp32'): LatencyModel {
  const file = fileSchema.safeParse(json);
  const { precision: fitted, ...model } = file.data ?? { precision };
  const { success, data, error } = storedSchema.safeParse(model);
  if (!file.success || !success)
    throw invalidInput(`not a stored latency model: ${z.prettifyError(file.error ?? error ?? new z.ZodError([]))}`, {
      hint: 'nas latency fit writes one; give it the measurements beside an older model with --from.',
    });
  if (fitted !== precision)
    throw invalidInput(`the latency model is of ${fitted} networks, and ${precision} ones are to be predicted`, {
      hint: `nas latency fit --precision ${precision} fits one to networks in ${precision}.`,
    });
  return new LinearCostModel(data);
}
