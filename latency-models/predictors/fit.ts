import { z } from 'zod';
import { invalidInput } from '../../base/errors.js';
import type { Network } from '../../spaces/index.js';
import { precisions, type Precision } from '../schema.js';
import { Catalogue, fewForDetails, likelyExecutions, type Profile, type Sample } from './features.js';
import { timedKernels, type LinearCostOptions, type TimedKernel } from './fit-data.js';
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
import { unlikeSources, type SourcePrior } from './sources.js';

/** Launches and computations either follow each other or overlap, and how likely that is. */
const overlaps = [
  { overlap: 1, probability: 0.7 },
  { overlap: 8, probability: 0.3 },
] as const;
/** UnitCosts with deviations of single layers, and prices alone. */
const kindsAlone = [
  { kind: 'gaussian-process', probability: 2 / 3 },
  { kind: 'additive', probability: 1 / 3 },
] as const;
export interface FitOptions {
  /** What is fitted; by default several, weighted by how well each predicts what it was not fitted to. */
  readonly kind?: ModelKind;
  /** The device may execute cells beyond their live layers: for tables that were taken without our graph compiler. */
  readonly declared?: boolean;
  readonly prior?: SourcePrior;
  /** Layers that were timed by themselves. */
  readonly parts?: readonly TimedKernel[];
}

const similarityOf = {
  additive: null,
  lookup: 'exact',
  'gaussian-process': 'near',
  transfer: 'near',
} as const satisfies {
  readonly [K in ModelKind]: LinearCostOptions['similarity'];
};

/** Kinds that know single layers by what was measured on the device alone. */
const usesKernels: ReadonlySet<ModelKind> = new Set(['lookup', 'gaussian-process']);

/** What a device may be like that is known by its samples alone. */
function alternativesAlone(
  catalogue: Catalogue,
  samples: readonly Sample[],
  { kind: wanted, declared = false, parts = [] }: FitOptions,
): Alternative[] {
  const few = samples.length < fewForDetails;
  const kind = wanted ?? (few && parts.length === 0 ? 'additive' : undefined);
  const kinds = kind === undefined ? kindsAlone : [{ kind, probability: 1 }];
  const hasCells = samples.some(({ profile }) => profile.declared.length > 0);
  return likelyExecutions(samples.length, declared && hasCells).flatMap(({ execution, probability: known }) =>
    kinds.flatMap(({ kind, probability }) =>
      overlaps.slice(0, few ? 1 : undefined).map(({ overlap, probability: share }) => ({
        fit: fitLinearCost(catalogue, samples, {
          kind,
          similarity: similarityOf[kind],
          overlap,
          execution,
          ...(overlap > 1 || !usesKernels.has(kind) ? {} : { parts }),
        }),
        probability: known * probability * share,
      })),
    ),
  );
}

/** As `fitLatencyModel`, of networks that were taken apart before. */
export function fitSamples(catalogue: Catalogue, samples: readonly Sample[], options: FitOptions = {}): Fit {
  const { kind, declared = false, prior } = options;
  const [{ execution }] = likelyExecutions(samples.length, declared);
  if (prior === undefined) return blend(alternativesAlone(catalogue, samples, options));
  const sourced = (own: ModelKind): LinearCostFit =>
    fitLinearCost(catalogue, samples, { kind: own, similarity: similarityOf[own], overlap: 1, execution, prior });
  if (kind !== undefined) return sourced(kind);
  return blend([
    { fit: sourced('transfer'), probability: 1 - unlikeSources },
    ...alternativesAlone(catalogue, samples, options).map(({ fit, probability }) => ({
      fit,
      probability: unlikeSources * probability,
    })),
  ]);
}

/**
 * Fits a latency model. Without a `kind`, several are fitted, with and without launches and computations that overlap,
 * and count by their leave-one-out errors. The same observations give the same model.
 * @throws RangeError without observations, and for latencies that are not positive numbers.
 */
export function fitLatencyModel(observations: readonly Observation[], options: FitOptions = {}): LatencyModel {
  const catalogue = new Catalogue();
  const samples = observations.map(({ network, ms }) => ({ profile: catalogue.profile(network), ms }));
  return fitSamples(catalogue, samples, { ...options, parts: timedKernels(catalogue, observations) }).model;
}

/** Models by how likely each is the right one, as they are stored; the probabilities sum to 1. */
const blendedSchema = z.strictObject({
  version: z.literal(3),
  kind: z.literal('blend'),
  parts: z.array(z.strictObject({ probability: z.number().min(0).max(1), model: linearCostSchema })).min(1),
});
type BlendedData = z.output<typeof blendedSchema>;

/** The mean of several models, by how likely each is the right one. */
class BlendedModel implements ProfileModel {
  readonly kind = 'blend';
  private readonly parts: readonly { readonly probability: number; readonly model: LinearCostModel }[];

  constructor(private readonly data: BlendedData) {
    this.parts = data.parts.map(({ probability, model }) => ({ probability, model: new LinearCostModel(model) }));
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

const stored = z.discriminatedUnion('kind', [linearCostSchema, blendedSchema]);

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
  return data.kind === 'blend' ? new BlendedModel(data) : new LinearCostModel(data);
}

/** Models that are less probable than this are left out. */
const minProbability = 0.01;

/** A fit and how likely it is the right one before anything was measured. */
interface Alternative {
  readonly fit: LinearCostFit;
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
    .filter(({ probability }) => probability >= minProbability);
  if (parts.length === 1) return parts[0].fit;
  const kept = parts.reduce((sum, { probability }) => sum + probability, 0);
  const average = (of: (fit: LinearCostFit) => number): number =>
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
