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
  /** Numbers of the terms of a candidate; see `writeTerms`. */
  readonly stride: number;
  private readonly amplitudes: readonly number[];
  private readonly weights: readonly Float64Array[];
  private readonly rates: Float64Array;
  /** For each pair of choices of a decision: the factor of the interactions, and the amount to subtract from the sum. */
  private readonly alike: readonly Float64Array[];
  private readonly apart: readonly Float64Array[];
  /** The largest number of choices, including "not executed". */
  private readonly side: number;
  private readonly scratch: Float64Array;

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
    const additive = this.amplitudes[2] / count;
    this.alike = this.weights.map((table) => table.map((weight) => Math.exp(-weight)));
    this.apart = distances.map((table) => table.map((distance) => additive * distance));
    this.stride = 2 * width + 2 * distances.length * this.side;
    this.scratch = new Float64Array(this.stride);
  }

  /**
   * Writes what the covariances of one candidate with any others depend on: its numbers, their slopes in the linear kernel, and
   * for each choice of each decision the factor of the interactions and the amount to subtract from the sum.
   */
  writeTerms({ numbers, choices, width, decisions }: Encoded, index: number, to: Float64Array, at: number): void {
    const slope = this.amplitudes[3] / width;
    for (let k = 0; k < width; k++) {
      const value = numbers[index * width + k];
      to[at + k] = value;
      to[at + width + k] = slope * value;
    }
    const { side } = this;
    const alikeAt = at + 2 * width;
    const apartAt = alikeAt + decisions * side;
    for (let d = 0; d < decisions; d++) {
      const alike = this.alike[d];
      const apart = this.apart[d];
      const own = Math.sqrt(alike.length);
      const start = choices[index * decisions + d] * own;
      for (let c = 0; c < own; c++) {
        to[alikeAt + d * side + c] = alike[start + c];
        to[apartAt + d * side + c] = apart[start + c];
      }
    }
  }

  /** Writes the covariances of a candidate, whose terms are at `at`, with all of a set to `out`, from position `from` on. */
  covariances(terms: Float64Array, at: number, against: Encoded, out: Float64Array, from = 0): void {
    const { width, decisions, count } = against;
    const [interactions, smooth, additive] = this.amplitudes;
    const row = { terms, at, out, from };
    if (width === 0) out.fill(0, from, from + count);
    else numbersTerm(against, this.rates, smooth, row);
    if (decisions > 0) decisionsTerm(against, this.side, { interactions, additive }, row);
  }

  /** The covariances of one candidate with all of a set. */
  column(of: Encoded, index: number, against: Encoded, out: Float64Array): void {
    this.writeTerms(of, index, this.scratch, 0);
    this.covariances(this.scratch, 0, against, out);
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

// Asks spend their time in these loops. Sums of four candidates at a time do not wait for each other.

/** A candidate's terms, from position `at` on, and where its covariances are written, from position `from` on. */
interface Row {
  readonly terms: Float64Array;
  readonly at: number;
  readonly out: Float64Array;
  readonly from: number;
}

/** The smooth and the linear function of the numbers. */
function numbersTerm(
  { numbers, count, width }: Encoded,
  rates: Float64Array,
  smooth: number,
  { terms, at: own, out, from }: Row,
): void {
  const slopes = own + width;
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
      const mine = terms[own + k];
      const rate = rates[k];
      const slope = terms[slopes + k];
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
function decisionsTerm(
  { choices, count, decisions, width }: Encoded,
  side: number,
  { interactions, additive }: { readonly interactions: number; readonly additive: number },
  { terms, at, out, from }: Row,
): void {
  const alike = at + 2 * width;
  const apart = decisions * side;
  const last = count - 1;
  for (let i = 0; i < count; i += 4) {
    const b = Math.min(i + 1, last);
    const c = Math.min(i + 2, last);
    const d = Math.min(i + 3, last);
    let productA = interactions;
    let productB = interactions;
    let productC = interactions;
    let productD = interactions;
    let sumA = additive;
    let sumB = additive;
    let sumC = additive;
    let sumD = additive;
    for (let k = 0, start = alike; k < decisions; k++, start += side) {
      const choiceA = start + choices[i * decisions + k];
      const choiceB = start + choices[b * decisions + k];
      const choiceC = start + choices[c * decisions + k];
      const choiceD = start + choices[d * decisions + k];
      productA *= terms[choiceA];
      productB *= terms[choiceB];
      productC *= terms[choiceC];
      productD *= terms[choiceD];
      sumA -= terms[choiceA + apart];
      sumB -= terms[choiceB + apart];
      sumC -= terms[choiceC + apart];
      sumD -= terms[choiceD + apart];
    }
    out[from + i] += productA + sumA;
    if (b > i) out[from + b] += productB + sumB;
    if (c > b) out[from + c] += productC + sumC;
    if (d > c) out[from + d] += productD + sumD;
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
