import { valueText, type Unit } from '../../../base/number-text.js';
import type { MeasureText, Objective, ReportMember } from '../../../experiments/page/api.js';
import { textOf, titleOf } from '../../data/measures.js';

/** A value of a trial. */
export interface ValueCell {
  readonly text: string;
  /** Whether no other trial has a better one, and some have a worse one. */
  readonly best: boolean;
  /** Whether nobody has measured it, and it is not exact either. */
  readonly predicted: boolean;
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
  { title: 'model size', unit: 'bytes', direction: 'minimize', of: ({ costs }) => costs?.sizeBytes },
  {
    title: 'activation memory',
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
  const wanted = new Map(objectives.map(({ name, direction }) => [name, direction]));
  const names = new Set([...wanted.keys(), ...trials.flatMap(({ values }) => Object.keys(values))]);
  const found = [...names].map((name) => {
    const values = trials.map((trial) => (Object.hasOwn(trial.values, name) ? trial.values[name] : null));
    const title = titleOf(measures, name);
    const known = further.find((other) => other.title === title)?.direction;
    const best = bestOf(values, wanted.get(name) ?? known);
    return {
      title,
      cells: values.map((value, i) => {
        const { provenance } = trials[i];
        const predicted = value !== null && Object.hasOwn(provenance, name) && provenance[name] === 'predicted';
        return { text: textOf(measures, name, value), best: best[i], predicted };
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
        cells: values.map((value, i) => ({ text: valueText(unit, value), best: best[i], predicted: false })),
      };
    });
  return [...found, ...rest];
}
