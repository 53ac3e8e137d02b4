import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import type { Network } from '../../spaces/index.js';
import { precisions, type Precision } from '../schema.js';
import { Catalogue, fewForDetails, type KnownLayers, type Profile, type Sample } from './features.js';
import { fitLinearCost, type Fit, type LinearCostFit } from './fit-linear-cost.js';
import {
  LinearCostModel,
  linearCostSchema,
  type LatencyModel,
  type ModelKind,
  type Observation,
  type Prediction,
  type ProfileModel,
} from './linear-cost-model.js';

/** Launches and computations run one after the other, or overlap; prior probabilities. */
const overlaps = [
  { overlap: 1, probability: 0.7 },
  { overlap: 8, probability: 0.3 },
] as const;
/** Unit costs with deviations of single layers, or unit costs alone; prior probabilities. */
const everyKind = [
  { kind: 'gaussian-process', probability: 2 / 3 },
  { kind: 'additive', probability: 1 / 3 },
] as const;

export interface FitOptions {
  /** Default: several kinds, weighted by their errors at observations that they were not fitted to. */
  readonly kind?: ModelKind;
}

/** Fits of each kind to the samples, with their prior probabilities. */
function alternatives(catalogue: Catalogue, samples: readonly Sample[], { kind: wanted }: FitOptions): Alternative[] {
  const few = samples.length < fewForDetails;
  const kind = wanted ?? (few ? 'additive' : undefined);
  const kinds = kind === undefined ? everyKind : [{ kind, probability: 1 }];
  return kinds.flatMap(({ kind, probability }) =>
    overlaps.slice(0, few ? 1 : undefined).map(({ overlap, probability: share }) => ({
      fit: fitLinearCost(catalogue, samples, { kind, overlap }),
      probability: probability * share,
    })),
  );
}

/** As `fitLatencyModel`, for networks that are profiles already. */
export const fitSamples = (catalogue: Catalogue, samples: readonly Sample[], options: FitOptions = {}): Fit =>
  blend(alternatives(catalogue, samples, options));

/**
 * Fits a latency model. Without a `kind` it is the mean of several, with and without overlapping launches, weighted by
 * their leave-one-out errors. The same observations give the same model.
 * @throws RangeError without observations, and for latencies that are not positive numbers.
 */
export function fitLatencyModel(observations: readonly Observation[], options: FitOptions = {}): LatencyModel {
  const catalogue = new Catalogue();
  const samples = observations.map(({ network, ms }) => ({ profile: catalogue.profile(network), ms }));
  return fitSamples(catalogue, samples, options).model;
}

/** The stored form of a mean of models; the probabilities sum to 1. */
const blendedSchema = z.strictObject({
  version: z.literal(3),
  kind: z.literal('blend'),
  parts: z.array(z.strictObject({ probability: z.number().min(0).max(1), model: linearCostSchema })).min(1),
});
type BlendedData = z.output<typeof blendedSchema>;

/** The mean of several models, weighted by their probabilities. */
class BlendedModel implements ProfileModel {
  readonly kind = 'blend';
  private readonly known: KnownLayers = new Map();
  private readonly members: readonly { readonly probability: number; readonly model: LinearCostModel }[];

  constructor(private readonly data: BlendedData) {
    this.members = data.parts.map(({ probability, model }) => ({ probability, model: new LinearCostModel(model) }));
  }

  predict(network: Network): Prediction {
    const catalogue = new Catalogue(this.known);
    return this.predictProfile(catalogue, catalogue.profile(network));
  }

  /** The variance is that of the mixture: the models' own variances, and how their means differ. */
  predictProfile(catalogue: Catalogue, profile: Profile): Prediction {
    const all = this.members.map(({ probability, model }) => ({
      probability,
      ...model.predictProfile(catalogue, profile),
    }));
    const average = (of: (one: Prediction) => number): number =>
      all.reduce((sum, one) => sum + one.probability * of(one), 0);
    const ms = average((one) => one.ms);
    const std = Math.sqrt(average((one) => one.std ** 2 + (one.ms - ms) ** 2));
    const coverage = average((one) => one.coverage);
    // Rounding may lift the sum of the probabilities above 1.
    return { ms, std, coverage: Math.min(1, coverage) };
  }

  toJSON(): BlendedData {
    return this.data;
  }
}

const storedSchema = z.discriminatedUnion('kind', [linearCostSchema, blendedSchema]);

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
    throw invalidInput(`not a stored latency model: ${z.prettifyError(file.error ?? error ?? new z.ZodError([]))}`);
  if (fitted !== precision)
    throw invalidInput(`the latency model is of ${fitted} networks, and ${precision} ones are to be predicted`, {
      hint: `nas latency fit --precision ${precision} fits one to networks in ${precision}.`,
    });
  return data.kind === 'blend' ? new BlendedModel(data) : new LinearCostModel(data);
}

/** Less probable models are left out. */
const minProbability = 0.01;

/** A fit with its prior probability. */
interface Alternative {
  readonly fit: LinearCostFit;
  readonly probability: number;
}

/**
 * The mean of fits to the same samples, weighted by their errors at samples that they do not know (pseudo-Bayesian model
 * averaging, Yao et al. 2018). The scale s of errors differs from sample to sample and is unknown: with Jeffreys' prior
 * 1 / s, the density of an error e is proportional to 1 / |e|, down to the noise.
 */
export function blend(alternatives: readonly Alternative[]): Fit {
  const noise = Math.min(...alternatives.map(({ fit }) => fit.noise));
  const scores = alternatives.map(({ fit, probability }) =>
    fit.leftOut.reduce((sum, error) => sum - Math.log(Math.abs(error) + noise), Math.log(probability)),
  );
  const best = Math.max(...scores);
  const weights = scores.map((score) => Math.exp(score - best));
  const total = sum(weights);
  const members = alternatives
    .map(({ fit }, k) => ({ fit, probability: weights[k] / total }))
    .filter(({ probability }) => probability >= minProbability);
  if (members.length === 1) return members[0].fit;
  const kept = members.reduce((sum, { probability }) => sum + probability, 0);
  const average = (of: (fit: LinearCostFit) => number): number =>
    members.reduce((sum, { fit, probability }) => sum + (probability / kept) * of(fit), 0);
  return {
    model: new BlendedModel({
      version: 3,
      kind: 'blend',
      parts: members.map(({ fit, probability }) => ({ probability: probability / kept, model: fit.model.toJSON() })),
    }),
    leftOut: members[0].fit.leftOut.map((_, i) => 1 / average(({ leftOut }) => 1 / (1 + leftOut[i])) - 1),
    leftOutError: Math.sqrt(average(({ leftOutError }) => leftOutError ** 2)),
  };
}
