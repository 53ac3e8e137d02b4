import { Cholesky } from '../../base/linear-algebra.js';

/** An expectation with its standard deviation. */
export interface Expected {
  readonly mean: number;
  readonly deviation: number;
}

export interface Sample {
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
