import { Cholesky, dot } from '../../base/linear-algebra.js';
import { meanOrZero } from '../../base/statistics.js';
import type { Rung, TrialResult } from '../controller.js';
import { HistoryFold } from '../history.js';
import type { Objective, Values } from '../objective.js';

/** The values of a trial after each share of its training that it reached. */
const stagesOf = ({ state, values, rungs = [] }: TrialResult): readonly Rung[] =>
  state === 'complete' ? [...rungs, { share: 1, values }] : rungs;

/**
 * A history in which partly trained trials are complete, with their predicted final values: every controller learns from
 * them without a case of its own. Predictions become more certain as trials are trained further. The result depends on
 * the history alone.
 */
export class ExtrapolatedHistory {
  private readonly trained: readonly Objective[];
  private known = new Map<number, TrialResult>();
  private readonly hasRungs = new HistoryFold<boolean>(false, (any, { rungs }) => any || rungs !== undefined);

  constructor(private readonly objectives: readonly Objective[]) {
    this.trained = objectives.filter(({ cost }) => cost === 'expensive');
  }

  /** Returns the same array when no trial was trained in rungs. */
  of(history: readonly TrialResult[]): readonly TrialResult[] {
    if (!this.hasRungs.at(history)) return history;
    const curves = history.map((trial) => stagesOf(trial).map(({ share: at, values }) => ({ at, values })));
    const shares = [...new Set(curves.flat().map(({ at }) => at))].sort((a, b) => a - b);
    const models = this.trained.map(({ name }) => ({
      name,
      model: new LearningCurves(this.objectives, name, shares, curves),
    }));
    const known = new Map<number, TrialResult>();
    const extrapolated = history.map((trial) => {
      const last = trial.state === 'pruned' ? trial.rungs?.at(-1) : undefined;
      if (last === undefined) return trial;
      const values = { ...last.values };
      const deviations: Record<string, number> = {};
      for (const { name, model } of models)
        ({ mean: values[name], deviation: deviations[name] } = model.predict(last.share, last.values));
      const whole = this.reuse({ ...trial, state: 'complete', values, deviations });
      known.set(trial.number, whole);
      return whole;
    });
    this.known = known;
    return extrapolated;
  }

  /** The object of the last call where nothing has changed: controllers remember results by object. */
  private reuse(trial: TrialResult): TrialResult {
    const before = this.known.get(trial.number);
    const { values, deviations } = trial;
    return before !== undefined &&
      this.trained.every(
        ({ name }) => before.values[name] === values[name] && before.deviations?.[name] === deviations?.[name],
      )
      ? before
      : trial;
  }
}

/** The values of one trial at the rungs that it reached, by ascending rung. */
export type Curve = readonly CurvePoint[];

interface CurvePoint {
  /** Epochs, or the share of the whole training; the last rung is the whole training. */
  readonly at: number;
  readonly values: Values;
}

/**
 * Predicts final values from the values at a rung. From rung to rung, the gain is a linear function of the value reached
 * and of the logarithms of the cheap objectives (large networks gain longer), learnt from the trials that have both
 * rungs. All trials share one schedule, so no shape of the curve is assumed, as extrapolating single curves has to
 * (Domhan et al. 2015).
 */
export class LearningCurves {
  private readonly cheap: readonly string[];
  private readonly steps = new Map<number, Step>();

  /** @param name an objective that training changes. */
  constructor(
    objectives: readonly Objective[],
    private readonly name: string,
    private readonly rungs: readonly number[],
    private readonly trials: readonly Curve[],
  ) {
    this.cheap = objectives.filter(({ cost }) => cost === 'cheap').map((objective) => objective.name);
  }

  /** The value at the last rung of a trial that has `values` at rung `at`. */
  predict(at: number, values: Values): Estimate {
    let reached: Estimate = { mean: values[this.name], deviation: 0 };
    for (let level = this.rungs.indexOf(at); level < this.rungs.length - 1; level++)
      reached = this.step(level)(reached, values);
    return reached;
  }

  private step(level: number): Step {
    const known = this.steps.get(level) ?? this.learn(this.rungs[level], this.rungs[level + 1]);
    this.steps.set(level, known);
    return known;
  }

  private learn(here: number, next: number): Step {
    const { name, cheap, trials } = this;
    const pointAt = (curve: Curve, at: number) =>
      curve.find((point) => point.at === at && Number.isFinite(point.values[name]));
    const reached = trials.flatMap((curve) => pointAt(curve, here) ?? []);
    // Nothing is known of this rung: it changes nothing.
    if (reached.length === 0) return (value) => value;
    const early = standard(reached.map(({ values }) => values[name]));
    const sizes = cheap.map((size) => standard(reached.map(({ values }) => logarithm(values[size]))));
    const features = (value: number, values: Values): number[] => [
      1,
      early.apply(value),
      ...cheap.map((size, k) => sizes[k].apply(logarithm(values[size]))),
    ];
    const samples = trials.flatMap((curve) => {
      const [first, second] = [pointAt(curve, here), pointAt(curve, next)];
      if (first === undefined || second === undefined) return [];
      const value = first.values[name];
      return [{ features: features(value, first.values), target: second.values[name] - value }];
    });
    const { scale } = early;
    const gain = meanOrZero(samples.map(({ target }) => target));
    const predict = regress(samples, {
      // Differences between early values may stay or vanish.
      coefficients: [
        { mean: gain, deviation: scale },
        { mean: -scale / 2, deviation: scale / 2 },
        ...cheap.map(() => ({ mean: 0, deviation: scale / 2 })),
      ],
      noise: scale / 2,
    });
    const at = (value: number, values: Values): Estimate => {
      const { mean, deviation } = predict(features(value, values));
      return { mean: value + mean, deviation };
    };
    return ({ mean, deviation }, values) => {
      const predicted = at(mean, values);
      // An uncertain value passes its uncertainty on as far as the regression follows it.
      const slope = deviation === 0 ? 0 : (at(mean + deviation, values).mean - predicted.mean) / deviation;
      return { mean: predicted.mean, deviation: Math.hypot(predicted.deviation, slope * deviation) };
    };
  }
}

type Step = (reached: Estimate, values: Values) => Estimate;

/** Not Number.MIN_VALUE: ONNX Runtime makes the process flush such small numbers to zero. */
const smallest = 1e-300;

const logarithm = (value: number): number => Math.log(Math.max(value, smallest));

/** Values whose deviation is below this share of their size count as equal. */
const tiny = 1e-12;

/** The standardisation of some values to mean 0 and variance 1. */
function standard(values: readonly number[]): { readonly scale: number; readonly apply: (value: number) => number } {
  const mean = meanOrZero(values);
  const variance = meanOrZero(values.map((value) => (value - mean) ** 2));
  const deviation = Math.sqrt(variance);
  const scale = deviation > tiny * (1 + Math.abs(mean)) ? deviation : 1e-3;
  return { scale, apply: (value) => (value - mean) / scale };
}

/** A mean with its standard deviation. */
export interface Estimate {
  readonly mean: number;
  readonly deviation: number;
}

interface Sample {
  readonly features: readonly number[];
  readonly target: number;
}

/** The prior: coefficients ~ N(mean, deviation^2), noise about `noise`. */
interface Prior {
  readonly coefficients: readonly Estimate[];
  readonly noise: number;
}

/** The prior of the noise counts as much as this many samples. */
const priorSamples = 3;

/** Noise and coefficients depend on each other: rounds of the fixed-point iteration. */
const rounds = 3;

interface Posterior {
  /** Of the coefficients' precision, in units of the noise. */
  readonly factor: Cholesky;
  readonly weights: Float64Array;
}

function posteriorOf(samples: readonly Sample[], { coefficients }: Prior, noise: number): Posterior {
  const width = coefficients.length;
  const means = coefficients.map(({ mean }) => mean);
  const matrix = new Float64Array(width * width);
  const weights = new Float64Array(width);
  for (const [i, { deviation }] of coefficients.entries()) matrix[i * width + i] = (noise / deviation) ** 2;
  for (const { features, target } of samples) {
    const rest = target - dot(features, means);
    for (let i = 0; i < width; i++) {
      weights[i] += features[i] * rest;
      for (let j = 0; j <= i; j++) matrix[i * width + j] += features[i] * features[j];
    }
  }
  const factor = Cholesky.of(matrix, width);
  factor.solve(weights);
  return { factor, weights: weights.map((weight, i) => weight + means[i]) };
}

/** The noise of the residuals, given how many coefficients the samples determine (MacKay 1992). */
function noiseOf(samples: readonly Sample[], prior: Prior, noise: number, { factor, weights }: Posterior): number {
  const squares = samples.reduce((sum, { features, target }) => sum + (target - dot(features, weights)) ** 2, 0);
  const inverse = factor.inverse();
  const width = weights.length;
  const determined = prior.coefficients.reduce(
    (sum, { deviation }, i) => sum + 1 - (noise / deviation) ** 2 * inverse[i * width + i],
    0,
  );
  return Math.sqrt((squares + priorSamples * prior.noise ** 2) / (samples.length - determined + priorSamples));
}

/**
 * Bayesian linear regression (Bishop 2006, 3.3 and 3.5), with the noise estimated from residuals and prior.
 * @returns the prediction of a further target.
 */
function regress(samples: readonly Sample[], prior: Prior): (features: readonly number[]) => Estimate {
  let { noise } = prior;
  for (let round = 0; round < rounds; round++)
    noise = noiseOf(samples, prior, noise, posteriorOf(samples, prior, noise));
  const { factor, weights } = posteriorOf(samples, prior, noise);
  return (features) => {
    const spread = factor.solveLower(Float64Array.from(features));
    return { mean: dot(features, weights), deviation: noise * Math.sqrt(1 + dot(spread, spread)) };
  };
}
