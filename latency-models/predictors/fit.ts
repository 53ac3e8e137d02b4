import { blend, type Alternative } from './blended-model.js';
import { fitPriced, type Fit, type PricedFit } from './fit-priced.js';
import type { PricedOptions } from './setting.js';
import { Catalogue, type Sample } from './catalogue.js';
import { fewForDetails, likelyExecutions } from './executions.js';
import type { LatencyModel, Observation } from './latency-model.js';
import { partsOf, type Part } from './parts.js';
import type { ModelKind } from './priced-model.js';
import { unlikeSources, type SourcePrior } from './sources.js';

/** Launches and computations either follow each other or overlap, and how likely that is. */
const overlaps = [
  { overlap: 1, probability: 0.7 },
  { overlap: 8, probability: 0.3 },
] as const;
/** Prices with deviations of single layers, and prices alone. */
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
  readonly parts?: readonly Part[];
}

const similarityOf = {
  additive: null,
  lookup: 'exact',
  'gaussian-process': 'near',
  transfer: 'near',
} as const satisfies {
  readonly [K in ModelKind]: PricedOptions['similarity'];
};

/** Kinds that know single layers by what was measured on the device alone. */
const usesParts: ReadonlySet<ModelKind> = new Set(['lookup', 'gaussian-process']);

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
        fit: fitPriced(catalogue, samples, {
          kind,
          similarity: similarityOf[kind],
          overlap,
          execution,
          ...(overlap > 1 || !usesParts.has(kind) ? {} : { parts }),
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
  const sourced = (own: ModelKind): PricedFit =>
    fitPriced(catalogue, samples, { kind: own, similarity: similarityOf[own], overlap: 1, execution, prior });
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
  return fitSamples(catalogue, samples, { ...options, parts: partsOf(catalogue, observations) }).model;
}
