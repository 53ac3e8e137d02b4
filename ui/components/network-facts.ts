import { bytes, epochsText, ms, percent } from '../../base/number-text.js';
import type { CurvePoint, MeasuredLatency, NetworkMember, ReportMember } from '../../experiments/page/api.js';
import type { Fact } from './facts.js';

/** Whether the network of a member is known; of tables, only rows are. */
export const hasNetwork = (member: ReportMember): member is NetworkMember =>
  member.network !== null && member.costs !== null && member.parts !== null;

/** Where a learning curve ends: `91.23 % after 5 epochs`. */
export function lastText(points: readonly CurvePoint[]): string {
  const end = points.at(-1);
  return end === undefined ? '-' : `${percent(end.validationAccuracy)} after ${epochsText(points.length)}`;
}

/** What became of each precision, and why. */
export const verdictFacts = ({ variants = [] }: ReportMember): Fact[] =>
  variants.map(({ precision, verdict }) => [precision, verdict]);

type Spread = Pick<MeasuredLatency, 'p50' | 'p95' | 'p99' | 'converged'>;

/** The percentiles of what was measured. */
export const percentilesFact = ({ p50, p95, p99 }: Spread): Fact => [
  'percentiles',
  `p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}`,
];

/** What is to be said against it, if anything. */
export const cautionFacts = ({ converged }: Pick<Spread, 'converged'>): readonly Fact[] =>
  converged ? [] : [['caution', 'the interval did not become as tight as the protocol asks']];

/** What was measured and what was predicted. */
export function latencyFacts({ latency, predicted }: ReportMember): Fact[] {
  const facts: Fact[] = [];
  if (latency !== null) {
    const [low, high] = latency.interval;
    facts.push(['measured latency', `${ms(latency.ms)} (95 % interval ${ms(low)} to ${ms(high)})`]);
    facts.push(percentilesFact(latency), ...cautionFacts(latency));
  }
  if (predicted !== null) {
    const { ms: guess, std, coverage } = predicted;
    facts.push(['predicted latency', `${ms(guess)} ± ${ms(std)}, ${percent(coverage)} covered`]);
  }
  return facts;
}

/** What it takes in memory and on disk. */
export const sizeFacts = ({ costs }: NetworkMember): Fact[] => [
  ['activation memory', bytes(costs.activationBytes)],
  ['weights', bytes(costs.sizeBytes)],
];
