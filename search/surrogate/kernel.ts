import type { Encoded } from './encoding.js';

export interface KernelShape {
  /** One table per decision; see `choiceDistances`. */
  readonly distances: readonly Float64Array[];
  /** Number of numbers. */
  readonly width: number;
}

/** The positions of the hyper-parameters, all logarithms, in one vector; it begins with the four amplitudes. */
export const layoutOf = ({ distances, width }: KernelShape) => ({
  noise: 4,
  /** Common rate of the decisions, common rate of the numbers. */
  rates: 5,
  /** Rate of each decision, relative to the common one. */
  decisions: 7,
  /** Rate of each number, relative to the common one. */
  numbers: 7 + distances.length,
  size: 7 + distances.length + width,
});

const root5 = Math.sqrt(5);

/**
 * The covariance of two candidates: a sum of four kernels.
 *
 * 1. a1 exp(-sum_d w_d delta_d): all interactions of decisions;
 * 2. a2 Matern-5/2 of the distance in the numbers, each with its own rate;
 * 3. a3 (1 - mean_d delta_d): the additive effect of each decision;
 * 4. a4 <x, x'> / width: the linear effect of each number.
 */
export class Kernel {
  readonly layout: ReturnType<typeof layoutOf>;
  readonly noise: number;
  private readonly amplitudes: readonly number[];
  private readonly weights: readonly Float64Array[];
  private readonly rates: Float64Array;
  /** The largest number of choices, including "not executed". */
  private readonly side: number;

  constructor(
    private readonly shape: KernelShape,
    theta: Float64Array,
  ) {
    const { distances, width } = shape;
    this.layout = layoutOf(shape);
    const { decisions, numbers, rates } = this.layout;
    this.amplitudes = [...theta.subarray(0, 4)].map((log) => Math.exp(2 * log));
    this.noise = Math.exp(2 * theta[this.layout.noise]);
    const count = Math.max(1, distances.length);
    this.side = distances.reduce((most, table) => Math.max(most, Math.sqrt(table.length)), 0);
    this.weights = distances.map((table, d) => {
      const weight = Math.exp(theta[rates] + theta[decisions + d]) / count;
      return table.map((distance) => weight * distance);
    });
    this.rates = new Float64Array(width).map(
      (_, k) => Math.exp(theta[rates + 1] + theta[numbers + k]) / Math.sqrt(Math.max(1, width)),
    );
  }

  /** What the covariances of one candidate with any others depend on. */
  terms(of: Encoded, index: number): Terms {
    const { width, decisions } = of;
    const [interactions, smooth, additive, linear] = this.amplitudes;
    const own = of.numbers.slice(index * width, (index + 1) * width);
    const slopes = own.map((value) => (linear / width) * value);
    const alike = new Float64Array(decisions * this.side);
    const apart = new Float64Array(decisions * this.side);
    for (let d = 0; d < decisions; d++) {
      const table = this.shape.distances[d];
      const choicesOf = Math.sqrt(table.length);
      const start = of.choices[index * decisions + d] * choicesOf;
      for (let c = 0; c < choicesOf; c++) {
        alike[d * this.side + c] = Math.exp(-this.weights[d][start + c]);
        apart[d * this.side + c] = (additive / decisions) * table[start + c];
      }
    }
    return { own, rates: this.rates, slopes, smooth, alike, apart, interactions, additive };
  }

  /** The covariances of one candidate with all of a set. */
  column(of: Encoded, index: number, against: Encoded, out: Float64Array): void {
    covariances(this.terms(of, index), against, out);
  }

  /** The prior variance of each candidate of a set. */
  variances(of: Encoded): Float64Array {
    const { width, decisions } = of;
    const [interactions, smooth, additive, linear] = this.amplitudes;
    return new Float64Array(of.count).map((_, i) => {
      let product = 0;
      for (let k = 0; k < width; k++) product += of.numbers[i * width + k] ** 2;
      return (decisions > 0 ? interactions + additive : 0) + (width > 0 ? smooth + (linear * product) / width : 0);
    });
  }

  /**
   * Adds to `gradient` the derivatives of sum_ij w_ij K_ij with respect to all hyper-parameters, for symmetric weights over
   * pairs of one set (row-major).
   */
  backward(set: Encoded, weights: Float64Array, gradient: Float64Array): void {
    const { count, width, decisions } = set;
    const { distances } = this.shape;
    const [interactions, smooth, additive, linear] = this.amplitudes;
    const { layout, rates } = this;
    const sides = distances.map((table) => Math.sqrt(table.length));
    let [g0, g1, g2, g3, common, commonNumbers] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        const w = (i === j ? 1 : 2) * weights[i * count + j];
        if (decisions > 0) {
          let exponent = 0;
          let differences = 0;
          for (let d = 0; d < decisions; d++) {
            const at = set.choices[i * decisions + d] * sides[d] + set.choices[j * decisions + d];
            exponent += this.weights[d][at];
            differences += distances[d][at];
          }
          const value = w * interactions * decay(exponent);
          g0 += 2 * value;
          g2 += 2 * w * additive * (1 - differences / decisions);
          if (i !== j) {
            for (let d = 0; d < decisions; d++) {
              const at = set.choices[i * decisions + d] * sides[d] + set.choices[j * decisions + d];
              const share = value * this.weights[d][at];
              gradient[layout.decisions + d] -= share;
              common -= share;
            }
          }
        }
        if (width > 0) {
          let square = 0;
          let product = 0;
          for (let k = 0; k < width; k++) {
            const a = set.numbers[i * width + k];
            const b = set.numbers[j * width + k];
            const difference = rates[k] * (a - b);
            square += difference * difference;
            product += a * b;
          }
          const r = root5 * Math.sqrt(square);
          const shrunk = decay(r);
          g1 += 2 * w * smooth * (1 + r + (r * r) / 3) * shrunk;
          g3 += (2 * w * linear * product) / width;
          // d/dlog rate_k of Matern-5/2: -(5/3) (1 + r) exp(-r) difference_k^2.
          const factor = -(5 / 3) * w * smooth * (1 + r) * shrunk;
          if (i !== j) {
            for (let k = 0; k < width; k++) {
              const difference = rates[k] * (set.numbers[i * width + k] - set.numbers[j * width + k]);
              const share = factor * difference * difference;
              gradient[layout.numbers + k] += share;
              commonNumbers += share;
            }
          }
        }
      }
    }
    gradient[0] += g0;
    gradient[1] += g1;
    gradient[2] += g2;
    gradient[3] += g3;
    gradient[layout.rates] += common;
    gradient[layout.rates + 1] += commonNumbers;
    for (let i = 0; i < count; i++) gradient[layout.noise] += 2 * weights[i * count + i] * this.noise;
  }
}

/** What the covariances of a candidate depend on, besides the other candidate. */
export interface Terms {
  /** The candidate's numbers; for each its rate, and its slope in the linear kernel. */
  readonly own: Float64Array;
  readonly rates: Float64Array;
  readonly slopes: Float64Array;
  readonly smooth: number;
  /** For each choice of each decision: the factor of the interactions, and the amount to subtract from the sum. */
  readonly alike: Float64Array;
  readonly apart: Float64Array;
  readonly interactions: number;
  readonly additive: number;
}

/** Writes the covariances of a candidate with all of a set to `out`, from position `from` on. */
export function covariances(terms: Terms, against: Encoded, out: Float64Array, from = 0): void {
  if (against.width === 0) out.fill(0, from, from + against.count);
  else numbersTerm(against, terms, out, from);
  if (against.decisions > 0) decisionsTerm(against, terms, out, from);
}

// Asks spend their time in these loops. Sums of four candidates at a time do not wait for each other.

/** The smooth and the linear function of the numbers. */
function numbersTerm({ numbers, count, width }: Encoded, terms: Terms, out: Float64Array, from: number): void {
  const { own, rates, slopes, smooth } = terms;
  const last = count - 1;
  for (let i = 0; i < count; i += 4) {
    const b = Math.min(i + 1, last);
    const c = Math.min(i + 2, last);
    const d = Math.min(i + 3, last);
    const rowA = i * width;
    const rowB = b * width;
    const rowC = c * width;
    const rowD = d * width;
    let squareA = 0;
    let squareB = 0;
    let squareC = 0;
    let squareD = 0;
    let linearA = 0;
    let linearB = 0;
    let linearC = 0;
    let linearD = 0;
    for (let k = 0; k < width; k++) {
      const mine = own[k];
      const rate = rates[k];
      const slope = slopes[k];
      const xA = numbers[rowA + k];
      const xB = numbers[rowB + k];
      const xC = numbers[rowC + k];
      const xD = numbers[rowD + k];
      const dA = rate * (xA - mine);
      const dB = rate * (xB - mine);
      const dC = rate * (xC - mine);
      const dD = rate * (xD - mine);
      squareA += dA * dA;
      squareB += dB * dB;
      squareC += dC * dC;
      squareD += dD * dD;
      linearA += xA * slope;
      linearB += xB * slope;
      linearC += xC * slope;
      linearD += xD * slope;
    }
    out[from + i] = linearA + matern(smooth, squareA);
    out[from + b] = linearB + matern(smooth, squareB);
    out[from + c] = linearC + matern(smooth, squareC);
    out[from + d] = linearD + matern(smooth, squareD);
  }
}

/** Matern-5/2 of a squared distance, times its amplitude. */
function matern(amplitude: number, square: number): number {
  const r = root5 * Math.sqrt(square);
  return amplitude * (1 + r + (r * r) / 3) * decay(r);
}

/** Adds the interactions of decisions and their sum. */
function decisionsTerm({ choices, count, decisions }: Encoded, terms: Terms, out: Float64Array, from: number): void {
  const { alike, apart, interactions, additive } = terms;
  const side = alike.length / decisions;
  for (let i = 0, at = 0; i < count; i++) {
    let product = interactions;
    let sum = additive;
    for (let start = 0; start < alike.length; start += side) {
      const choice = start + choices[at++];
      product *= alike[choice];
      sum -= apart[choice];
    }
    out[from + i] += product + sum;
  }
}

/** `decay` is 0 from here on. */
const reach = 40;
const steps = 32;
const table = Float64Array.from({ length: reach * steps + 1 }, (_, i) => Math.exp(-i / steps));

/** exp(-x) for x >= 0, with a relative error of 1e-11; several times as fast as Math.exp. */
function decay(x: number): number {
  if (!(x < reach)) return 0;
  const i = Math.floor(x * steps);
  const rest = x - i / steps;
  return table[i] * (1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6 - rest * (1 / 24 - rest / 120)))));
}
