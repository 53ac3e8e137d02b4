import type { Rung, Told } from '../controller.js';
import { HistoryFold } from '../history.js';
import type { Objective, Values } from '../objective.js';
import { Cholesky } from '../../base/linear-algebra.js';

/** What a trial came to after each share of its training, the whole one included, if it got there. */
const stagesOf = ({ state, values, rungs = [] }: Told): readonly Rung[] =>
  state === 'complete' ? [...rungs, { share: 1, values }] : rungs;

/**
 * What trials that were trained in part would have come to, so that a controller learns from all trials alike: such a
 * trial is told as complete, with the values that are expected of it at the end of its training. They grow more certain
 * as trials are trained on; the same histories give the same.
 */
export class Foresight {
  private readonly learned: readonly Objective[];
  private kept = new Map<number, Told>();
  /** Whether any trial was trained in rungs. */
  private readonly inRungs = new HistoryFold<boolean>(false, (any, { rungs }) => any || rungs !== undefined);

  constructor(private readonly objectives: readonly Objective[]) {
    this.learned = objectives.filter(({ cost }) => cost === 'expensive');
  }

  /** The history, with foreseen values; the same object where there is nothing to foresee. */
  of(history: readonly Told[]): readonly Told[] {
    if (!this.inRungs.at(history)) return history;
    const trials = history.map((told) => stagesOf(told).map(({ share: at, values }) => ({ at, values })));
    const shares = [...new Set(trials.flat().map(({ at }) => at))].sort((a, b) => a - b);
    const outlooks = this.learned.map(({ name }) => ({
      name,
      outlook: new Outlook(this.objectives, name, shares, trials),
    }));
    const kept = new Map<number, Told>();
    const foreseen = history.map((told) => {
      const last = told.state === 'pruned' ? told.rungs?.at(-1) : undefined;
      if (last === undefined) return told;
      const values = { ...last.values };
      const deviations: Record<string, number> = {};
      for (const { name, outlook } of outlooks)
        ({ mean: values[name], deviation: deviations[name] } = outlook.expect(last.share, last.values));
      const whole = this.again({ ...told, state: 'complete', values, deviations });
      kept.set(told.number, whole);
      return whole;
    });
    this.kept = kept;
    return foreseen;
  }

  /** What was told of a trial before, if it is still the same. */
  private again(told: Told): Told {
    const before = this.kept.get(told.number);
    if (before === undefined) return told;
    const { values, deviations = {} } = told;
    const same = this.learned.every(
      ({ name }) => before.values[name] === values[name] && before.deviations?.[name] === deviations[name],
    );
    return same ? before : told;
  }
}

/** What a trial came to after each rung that it reached, by ascending rung. */
export type Stages = readonly Stage[];

interface Stage {
  /** How long it was trained, in epochs or as a share of the whole; the last rung is the whole training. */
  readonly at: number;
  readonly values: Values;
}

/**
 * What values at the end of training are to be expected, given those of trials at the rungs: from one rung to the next,
 * the gain is a linear function of the value reached and of the logarithms of the cheap objectives (large networks gain
 * longer), learnt from the trials that have both rungs. As all trials share one schedule, the shape of the learning
 * curve need not be guessed, as it must be where each curve is extrapolated by itself (Domhan et al. 2015).
 */
export class Outlook {
  private readonly cheap: readonly string[];

  constructor(
    objectives: readonly Objective[],
    /** The objective in question, which training changes. */
    private readonly name: string,
    private readonly rungs: readonly number[],
    private readonly trials: readonly Stages[],
  ) {
    this.cheap = objectives.filter(({ cost }) => cost === 'cheap').map((objective) => objective.name);
  }

  /** The value at the last rung of a trial that came to `values` at rung `at`. */
  expect(at: number, values: Values): Expected {
    let reached: Expected = { mean: values[this.name], deviation: 0 };
    for (let level = this.rungs.indexOf(at); level < this.rungs.length - 1; level++)
      reached = this.step(level)(reached, values);
    return reached;
  }

  private readonly steps = new Map<number, Step>();

  private step(level: number): Step {
    const known = this.steps.get(level) ?? this.learn(this.rungs[level], this.rungs[level + 1]);
    this.steps.set(level, known);
    return known;
  }

  private learn(here: number, next: number): Step {
    const { name, cheap, trials } = this;
    const stage = (stages: Stages, at: number) =>
      stages.find((one) => one.at === at && Number.isFinite(one.values[name]));
    const reached = trials.flatMap((stages) => stage(stages, here) ?? []);
    // Nobody knows what that rung is like: it changes nothing.
    if (reached.length === 0) return (value) => value;
    const early = standard(reached.map(({ values }) => values[name]));
    const sizes = cheap.map((size) => standard(reached.map(({ values }) => logarithm(values[size]))));
    const features = (value: number, values: Values): number[] => [
      1,
      early.apply(value),
      ...cheap.map((size, k) => sizes[k].apply(logarithm(values[size]))),
    ];
    const samples = trials.flatMap((stages) => {
      const [first, second] = [stage(stages, here), stage(stages, next)];
      if (first === undefined || second === undefined) return [];
      const value = first.values[name];
      return [{ features: features(value, first.values), target: second.values[name] - value }];
    });
    const { scale } = early;
    const gain = samples.reduce((sum, { target }) => sum + target, 0) / Math.max(1, samples.length);
    const predict = regress(samples, {
      // Differences between early values may stay or vanish.
      coefficients: [
        { mean: gain, deviation: scale },
        { mean: -scale / 2, deviation: scale / 2 },
        ...cheap.map(() => ({ mean: 0, deviation: scale / 2 })),
      ],
      noise: scale / 2,
    });
    const at = (value: number, values: Values): Expected => {
      const { mean, deviation } = predict(features(value, values));
      return { mean: value + mean, deviation };
    };
    return ({ mean, deviation }, values) => {
      const expected = at(mean, values);
      // An uncertain value passes on as much of its uncertainty as the regression follows it.
      const slope = deviation === 0 ? 0 : (at(mean + deviation, values).mean - expected.mean) / deviation;
      return { mean: expected.mean, deviation: Math.hypot(expected.deviation, slope * deviation) };
    };
  }
}

type Step = (reached: Expected, values: Values) => Expected;

/** Not Number.MIN_VALUE: where ONNX Runtime has run, numbers as small as that are flushed to zero. */
const smallest = 1e-300;

const logarithm = (value: number): number => Math.log(Math.max(value, smallest));

/** Values that differ by less, relative to their size, are the same. */
const tiny = 1e-12;

/** Turns values so that those given have mean 0 and variance 1. */
function standard(values: readonly number[]): { readonly scale: number; readonly apply: (value: number) => number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  const deviation = Math.sqrt(variance);
  const scale = deviation > tiny * (1 + Math.abs(mean)) ? deviation : 1e-3;
  return { scale, apply: (value) => (value - mean) / scale };
}

/** An expectation with its standard deviation. */
export interface Expected {
  readonly mean: number;
  readonly deviation: number;
}

interface Sample {
  readonly features: readonly number[];
  readonly target: number;
}

/** What is believed before anything was seen: coefficients ~ N(mean, deviation^2), the noise about `noise`. */
export interface Prior {
  readonly coefficients: readonly Expected[];
  readonly noise: number;
}

/** So many samples' worth of belief stand behind the noise of the prior. */
const priorSamples = 3;

/** The noise and the coefficients follow from each other: they are settled after so many turns. */
const turns = 3;

interface Posterior {
  readonly factor: Cholesky;
  readonly weights: Float64Array;
}

/** The coefficients given the noise; the factor is that of their precision, in units of the noise. */
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

/** The noise that the residuals leave, given how many coefficients the samples determine (MacKay 1992). */
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
 * Bayesian linear regression (Bishop 2006, 3.3 and 3.5): the posterior of the coefficients, and the noise from the
 * residuals and the prior together. Few samples say little, none leave the prior.
 * @returns what is expected of a further target.
 */
export function regress(samples: readonly Sample[], prior: Prior): (features: readonly number[]) => Expected {
  let { noise } = prior;
  for (let turn = 0; turn < turns; turn++) noise = noiseOf(samples, prior, noise, posteriorOf(samples, prior, noise));
  const { factor, weights } = posteriorOf(samples, prior, noise);
  return (features) => {
    const spread = factor.solveLower(Float64Array.from(features));
    return { mean: dot(features, weights), deviation: noise * Math.sqrt(1 + dot(spread, spread)) };
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
