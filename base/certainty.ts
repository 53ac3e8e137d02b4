import { type Unit, valueText } from './number-text.js';

/** The quantile of the normal distribution for 95 % intervals. */
export const normal = 1.96;

/** A 95 % interval. */
export type Interval = readonly [low: number, high: number];

/** How sure a value is. */
export interface Certainty {
  readonly interval: Interval;
  /** Of a score. An accuracy has the binomial error of its number of images. */
  readonly standardError?: number;
  /**
   * Of a latency: the session that measured it, and its interval within the session. What disturbed a session disturbed
   * all of its latencies alike, so latencies of one session are compared by these intervals.
   */
  readonly session?: { readonly id: number; readonly interval: Interval };
  /** Why the value cannot be trusted; absent when it can. */
  readonly unreliable?: string;
}

/** A value; without a certainty it is exact, or its error is unknown. */
export interface Estimate {
  readonly value: number;
  readonly certainty?: Certainty | undefined;
}

function intervalsOf(a: Estimate, b: Estimate): readonly [Interval, Interval] {
  const [own, other] = [a.certainty, b.certainty];
  if (own?.session !== undefined && own.session.id === other?.session?.id)
    return [own.session.interval, other.session.interval];
  return [own?.interval ?? [a.value, a.value], other?.interval ?? [b.value, b.value]];
}

/** Whether `a` is better than `b`, with intervals that do not overlap. */
export function surelyBetter(direction: 'minimize' | 'maximize', a: Estimate, b: Estimate): boolean {
  const [own, other] = intervalsOf(a, b);
  return direction === 'minimize' ? own[1] < other[0] : own[0] > other[1];
}

/** The 95 % interval of a value with this standard error. */
export const intervalAround = (value: number, standardError: number): Interval => [
  value - normal * standardError,
  value + normal * standardError,
];

/** Shrinks a share towards 1/2 by two successes and two failures, so that 0 and 1 have an error, too. */
const shrunk = (share: number, images: number): number => (share * images + 2) / (images + 4);

/** Standard error of a share of images: binomial, with the correction of Agresti and Coull (1998). */
export function standardErrorOf(share: number, images: number): number {
  const p = shrunk(share, images);
  return Math.sqrt((p * (1 - p)) / (images + 4));
}

/** The interval of Agresti and Coull (1998), within [0, 1]; it contains the share. */
export function shareCertainty(share: number, images: number): Certainty {
  const standardError = standardErrorOf(share, images);
  const [centre, half] = [shrunk(share, images), normal * standardError];
  const interval = [Math.max(0, Math.min(share, centre - half)), Math.min(1, Math.max(share, centre + half))] as const;
  return { interval, standardError };
}

/** `87.03 % ± 1.1`: a value with its standard error, unless that is unknown or 0 (all images right). `-` for no value. */
export const estimateText = (unit: Unit, value: number | null | undefined, standardError?: number | null): string =>
  typeof value !== 'number' || typeof standardError !== 'number' || standardError === 0
    ? valueText(unit, value)
    : `${valueText(unit, value)} ± ${unit === 'share' ? (100 * standardError).toFixed(1) : Number(standardError.toPrecision(2))}`;

/** `95 % interval 0.0439 ms to 0.0447 ms`, and why the value is not reliable. */
export const certaintyText = (unit: Unit, { interval: [low, high], unreliable }: Certainty): string =>
  [
    `95 % interval ${valueText(unit, low)} to ${valueText(unit, high)}`,
    ...(unreliable === undefined ? [] : [`not reliable: ${unreliable}`]),
  ].join('; ');

/** What decides how sure the place of a member of the frontier is. */
interface Place {
  /** Trials that may dominate it within the intervals. */
  readonly rivals?: readonly number[] | undefined;
  /** Of its values, by name. */
  readonly certainty?: Readonly<Record<string, Certainty>> | undefined;
}

const restsOnUnreliable = ({ certainty = {} }: Place): boolean =>
  Object.values(certainty).some(({ unreliable }) => unreliable !== undefined);

/** Whether a member would be on the frontier without noise. */
export const isSure = (place: Place): boolean => (place.rivals ?? []).length === 0 && !restsOnUnreliable(place);

/** `within noise of #3, #5`, `not sure: unreliable latency`, or `sure`. Latencies are the only values that may be unreliable. */
export function placeText(place: Place): string {
  const { rivals = [] } = place;
  const doubt = restsOnUnreliable(place) ? 'unreliable latency' : '';
  if (rivals.length === 0) return doubt === '' ? 'sure' : `not sure: ${doubt}`;
  const some = rivals.slice(0, 3).map((number) => `#${number}`);
  const more = rivals.length > 3 ? ` and ${rivals.length - 3} more` : '';
  return `within noise of ${some.join(', ')}${more}${doubt === '' ? '' : `; ${doubt}`}`;
}

/** The smallest number of pairs with a mean error. */
export const leastPairs = 3;

/** The pairs that an error is computed from: reliable ones where there are enough, else all. */
export function judgedPairs<P extends { readonly unreliable?: string }>(pairs: readonly P[]): readonly P[] {
  const reliable = pairs.filter(({ unreliable }) => unreliable === undefined);
  return reliable.length >= leastPairs ? reliable : pairs;
}
