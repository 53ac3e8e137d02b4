import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { Network } from '../../spaces/index.js';
import { precisions, type Precision } from '../schema.js';
import { Catalogue, type Profile } from './catalogue.js';
import type { LatencyModel, Prediction, ProfileModel } from './latency-model.js';
import type { Fit, PricedFit } from './fit-priced.js';
import { PricedModel, pricedSchema } from './priced-model.js';

/** Models by how likely each is the right one, as they are stored; the probabilities sum to 1. */
export const blendedSchema = z.strictObject({
  version: z.literal(3),
  kind: z.literal('blend'),
  parts: z.array(z.strictObject({ probability: z.number().min(0).max(1), model: pricedSchema })).min(1),
});
export type BlendedData = z.output<typeof blendedSchema>;

/** The mean of several models, by how likely each is the right one. */
export class BlendedModel implements ProfileModel {
  readonly kind = 'blend';
  private readonly parts: readonly { readonly probability: number; readonly model: PricedModel }[];

  constructor(private readonly data: BlendedData) {
    this.parts = data.parts.map(({ probability, model }) => ({ probability, model: new PricedModel(model) }));
  }

  predict(network: Network): Prediction {
    const catalogue = new Catalogue();
    return this.predictProfile(catalogue, catalogue.profile(network));
  }

  /** As `predict`. The variance is that of the mixture: what the models expect of themselves, and how they differ. */
  predictProfile(catalogue: Catalogue, profile: Profile): Prediction {
    const parts = this.parts.map(({ probability, model }) => ({
      probability,
      ...model.predictProfile(catalogue, profile),
    }));
    const average = (of: (part: Prediction) => number): number =>
      parts.reduce((sum, part) => sum + part.probability * of(part), 0);
    const ms = average((part) => part.ms);
    return {
      ms,
      std: Math.sqrt(average((part) => part.std ** 2 + (part.ms - ms) ** 2)),
      // Probabilities that sum to 1 may do so but for rounding.
      coverage: Math.min(
        1,
        average(({ coverage }) => coverage),
      ),
    };
  }

  toJSON(): BlendedData {
    return this.data;
  }
}

const stored = z.discriminatedUnion('kind', [pricedSchema, blendedSchema]);

/** What a model's file says besides: what the networks that it was fitted to were computed with. */
const filed = z.looseObject({ precision: z.enum(precisions).default('fp32') });

/** A latency model as it is written to a file; `latencyModelFrom` reads it. */
export const latencyModelFile = (model: LatencyModel, precision: Precision): object => ({
  ...model.toJSON(),
  ...(precision === 'fp32' ? {} : { precision }),
});

/**
 * A latency model from what its `toJSON` gave, or from its file.
 * @param precision what is to be predicted
 * @throws NasError `invalid-input` for anything else, and for a model of another precision: latencies of one say little of
 * the other, up to which of two networks is faster
 */
export function latencyModelFrom(json: unknown, precision: Precision = 'fp32'): LatencyModel {
  const file = filed.safeParse(json);
  const { precision: fitted, ...model } = file.data ?? { precision };
  const { success, data, error } = stored.safeParse(model);
  if (!file.success || !success)
    throw invalidInput(`not a stored latency model: ${z.prettifyError(file.error ?? error ?? new z.ZodError([]))}`);
  if (fitted !== precision)
    throw invalidInput(`the latency model is of ${fitted} networks, and ${precision} ones are to be predicted`, {
      hint: `nas latency fit --precision ${precision} fits one to networks in ${precision}.`,
    });
  return data.kind === 'blend' ? new BlendedModel(data) : new PricedModel(data);
}

/** Models that are less probable than this are left out. */
const leastProbability = 0.01;

/** A fit and how likely it is the right one before anything was measured. */
export interface Alternative {
  readonly fit: PricedFit;
  readonly probability: number;
}

/**
 * The mean of fits to the same samples, weighted by how well each predicts samples that it does not know (pseudo-Bayesian
 * model averaging, Yao et al. 2018). Errors differ in size from sample to sample, by nobody knows how much: with
 * Jeffreys' prior 1 / s for its size s, the density of an error e is in proportion to 1 / |e|, down to the noise.
 */
export function blend(alternatives: readonly Alternative[]): Fit {
  const noise = Math.min(...alternatives.map(({ fit }) => fit.noise));
  const scores = alternatives.map(({ fit, probability }) =>
    fit.leftOut.reduce((sum, error) => sum - Math.log(Math.abs(error) + noise), Math.log(probability)),
  );
  const likeliest = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - likeliest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const parts = alternatives
    .map(({ fit }, k) => ({ fit, probability: weights[k] / total }))
    .filter(({ probability }) => probability >= leastProbability);
  if (parts.length === 1) return parts[0].fit;
  const kept = parts.reduce((sum, { probability }) => sum + probability, 0);
  const average = (of: (fit: PricedFit) => number): number =>
    parts.reduce((sum, { fit, probability }) => sum + (probability / kept) * of(fit), 0);
  return {
    model: new BlendedModel({
      version: 3,
      kind: 'blend',
      parts: parts.map(({ fit, probability }) => ({ probability: probability / kept, model: fit.model.toJSON() })),
    }),
    leftOut: parts[0].fit.leftOut.map((_, i) => 1 / average(({ leftOut }) => 1 / (1 + leftOut[i])) - 1),
    leftOutError: Math.sqrt(average(({ leftOutError }) => leftOutError ** 2)),
  };
}
