import type {
  Provenance,
  ReportKept,
  ReportMember,
  ReportVariant,
  StoredPrecision,
  Values,
} from '../../../experiments/page/api.js';

/** What is known of a trial's network in one precision. */
export interface Judged {
  /** Null in runs that know one precision only. */
  readonly precision: StoredPrecision | null;
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  /** Null when nothing is kept of it. */
  readonly kept: ReportKept | null;
  readonly variant: ReportVariant | null;
}

/** The network in each precision in which it was tried, or as it is where there is one only. */
export function judgedOf(trial: ReportMember): readonly Judged[] {
  const { values, provenance, variants = [], kept } = trial;
  if (variants.length === 0) return [{ precision: null, values, provenance, kept: trial, variant: null }];
  return variants.map((variant) => ({ ...variant, kept: kept?.[variant.precision] ?? null, variant }));
}
