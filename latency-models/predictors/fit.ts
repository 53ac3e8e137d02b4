import { blend } from './blended-model.js';
import { fitPriced, type Fit, type PricedFit, type PricedOptions, type Sample } from './fit-priced.js';
import { Catalogue } from './layer-features.js';
import type { LatencyModel, Observation } from './latency-model.js';
import { partsOf, type Part } from './parts.js';
import type { ModelKind } from './priced-model.js';
import { unlikeSources, type SourcePrior } from './sources.js';

/** Launches and computations either follow each other or overlap. */
const overlaps = [1, 8] as const;
/** How much likelier an overlap must be, as a logarithm. */
const overlapMargin = 4;
/** How much smaller the error of prices alone must be: deviations come to nothing by themselves where there are none. */
const simplerShare = 0.9;
/** Fewer observations than this say nothing about overlaps and single layers. */
const fewForDetails = 8;

export interface FitOptions {
  /** What is fitted; by default what predicts best what it was not fitted to. */
  readonly kind?: ModelKind;
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

/** Whether launches and computations overlap: what makes the samples likelier, judged by prices alone. */
function overlapOf(catalogue: Catalogue, samples: readonly Sample[], { declared = false, prior }: FitOptions): number {
  if (samples.length < fewForDetails || prior !== undefined) return 1;
  const [plain, ...others] = overlaps.map((overlap) => ({
    overlap,
    ...fitPriced(catalogue, samples, { kind: 'additive', similarity: null, overlap, declared }),
  }));
  return others.reduce((best, other) => (other.loss + overlapMargin < best.loss ? other : best), plain).overlap;
}

/** Kinds without sources, the richest first: prices with deviations of single layers, and prices alone. */
const kindsAlone = (count: number, { parts = [] }: FitOptions): readonly ModelKind[] =>
  count < fewForDetails && parts.length === 0 ? ['additive'] : ['gaussian-process', 'additive'];

function fitKinds(
  catalogue: Catalogue,
  samples: readonly Sample[],
  kinds: readonly ModelKind[],
  options: FitOptions,
): PricedFit {
  const { declared = false, prior, parts } = options;
  const overlap = overlapOf(catalogue, samples, options);
  const [richest, ...simpler] = kinds.map((kind) =>
    fitPriced(catalogue, samples, {
      kind,
      similarity: similarityOf[kind],
      overlap,
      declared,
      ...(prior === undefined ? {} : { prior }),
      ...(parts === undefined || overlap > 1 || !usesParts.has(kind) ? {} : { parts }),
    }),
  );
  return simpler.reduce((best, fit) => (fit.leftOutError < simplerShare * best.leftOutError ? fit : best), richest);
}

/** As `fitLatencyModel`, of networks that were taken apart before. */
export function fitSamples(catalogue: Catalogue, samples: readonly Sample[], options: FitOptions = {}): Fit {
  const { kind, prior, ...alone } = options;
  if (kind !== undefined) return fitKinds(catalogue, samples, [kind], options);
  const fit = fitKinds(catalogue, samples, kindsAlone(samples.length, alone), alone);
  if (prior === undefined) return fit;
  return blend([
    { fit: fitKinds(catalogue, samples, ['transfer'], options), probability: 1 - unlikeSources },
    { fit, probability: unlikeSources },
  ]);
}

/**
 * Fits a latency model. Without a `kind`, several are fitted, and one is chosen by cross-validated (leave-one-out)
 * error; whether launches and computations overlap, by evidence. The same observations give the same model.
 * @throws RangeError without observations, and for latencies that are not positive numbers.
 */
export function fitLatencyModel(observations: readonly Observation[], options: FitOptions = {}): LatencyModel {
  const catalogue = new Catalogue();
  const samples = observations.map(({ network, ms }) => ({ profile: catalogue.profile(network), ms }));
  return fitSamples(catalogue, samples, { ...options, parts: partsOf(catalogue, observations) }).model;
}
