import { valueText, type Unit } from '../../../base/number-text.js';
import type { MeasureText, Objective, Provenance, ReportMember } from '../../../experiments/page/api.js';
import { textOf, titleOf } from '../../data/text.js';

/** A value of a trial. */
export interface ValueCell {
  readonly text: string;
  /** Whether no other trial has a better one, and some have a worse one. */
  readonly best: boolean;
  /** Where it comes from, unless it was measured. */
  readonly provenance: Provenance | null;
}

/** A measure, and what each trial has of it. */
export interface ValueRow {
  readonly title: string;
  readonly cells: readonly ValueCell[];
}

type Direction = Objective['direction'];

/** Which of the values are the best; none where all are equal, where fewer than two are known, or nobody knows what is good. */
export function bestOf(values: readonly (number | null)[], direction: Direction | undefined): readonly boolean[] {
  const known = values.filter((value) => value !== null);
  if (direction === undefined || known.length < 2) return values.map(() => false);
  const [least, greatest] = [Math.min(...known), Math.max(...known)];
  const best = direction === 'minimize' ? least : greatest;
  return values.map((value) => least < greatest && value === best);
}

/** What is known of networks besides their values. */
const further: readonly {
  readonly title: string;
  readonly unit: Unit;
  readonly direction: Direction;
  readonly of: (trial: ReportMember) => number | null | undefined;
}[] = [
  { title: 'final accuracy', unit: 'share', direction: 'maximize', of: ({ final }) => final?.accuracy },
  { title: 'test accuracy', unit: 'share', direction: 'maximize', of: ({ final }) => final?.testAccuracy },
  { title: 'latency, 95th percentile', unit: 'ms', direction: 'minimize', of: ({ latency }) => latency?.p95 },
  { title: 'MACs', unit: 'count', direction: 'minimize', of: ({ costs }) => costs?.macs },
  { title: 'parameters', unit: 'count', direction: 'minimize', of: ({ costs }) => costs?.params },
  { title: 'model size in fp32', unit: 'bytes', direction: 'minimize', of: ({ costs }) => costs?.sizeBytes },
  {
    title: 'activation memory in fp32',
    unit: 'bytes',
    direction: 'minimize',
    of: ({ costs }) => costs?.activationBytes,
  },
];

/** The values of trials beside each other: objectives first, then what else was found, then what follows from the networks. */
export function valueRows(
  {
    objectives,
    measures,
  }: { readonly objectives: readonly Objective[]; readonly measures: Readonly<Record<string, MeasureText>> },
  trials: readonly ReportMember[],
): readonly ValueRow[] {
  const directions = new Map(objectives.map(({ name, direction }) => [name, direction]));
  const names = new Set([...directions.keys(), ...trials.flatMap(({ values }) => Object.keys(values))]);
  const found = [...names].map((name) => {
    const values = trials.map((trial) => (Object.hasOwn(trial.values, name) ? trial.values[name] : null));
    const best = bestOf(values, directions.get(name));
    return {
      title: titleOf(measures, name),
      cells: values.map((value, i) => {
        const { provenance } = trials[i];
        const from = Object.hasOwn(provenance, name) ? provenance[name] : null;
        return {
          text: textOf(measures, name, value),
          best: best[i],
          provenance: value === null || from === 'measured' ? null : from,
        };
      }),
    };
  });
  const rest = further
    .filter(
      ({ title, of }) =>
        trials.some((trial) => (of(trial) ?? null) !== null) && !found.some((row) => row.title === title),
    )
    .map(({ title, unit, direction, of }) => {
      const values = trials.map((trial) => of(trial) ?? null);
      const best = bestOf(values, direction);
      return {
        title,
        cells: values.map((value, i) => ({ text: valueText(unit, value), best: best[i], provenance: null })),
      };
    });
  return [...found, ...rest];
}
