import type {
  MeasureText,
  Objective,
  Provenance,
  ReportKept,
  ReportMember,
  ReportVariant,
  StoredPrecision,
  Values,
} from '../../../experiments/page/api.js';
import { epochsText, ms, percent } from '../../../base/number-text.js';
import { Table, type Column } from '../../components/table.js';
import { Tag } from '../../components/elements.js';
import { textOf, titleOf } from '../../data/measures.js';

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

interface ValuesProps {
  readonly trial: ReportMember;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
}

/** A line of the table: what it is, and what a network has of it; null: nothing. */
interface Line {
  readonly title: string;
  readonly of: (judged: Judged) => { readonly text: string; readonly tag?: string; readonly note?: string } | null;
}

const rangeText = ([low, high]: readonly [number, number]): string => `95 % interval ${ms(low)} to ${ms(high)}`;

/** A value that the search found, with where it comes from and how sure it is. */
const searchLine = (name: string, measures: ValuesProps['measures']): Line => ({
  title: titleOf(measures, name),
  of: ({ values, provenance, kept }) => {
    if (!Object.hasOwn(values, name)) return null;
    const tag = provenance[name] as string | undefined;
    const latency = name === 'latency_ms' && tag === 'measured' ? (kept?.latency ?? null) : null;
    return {
      text: textOf(measures, name, values[name]),
      ...(tag === undefined ? {} : { tag }),
      ...(latency === null ? {} : { note: rangeText(latency.interval) }),
    };
  },
});

const predictedLine: Line = {
  title: 'latency, predicted before it was measured',
  of: ({ kept }) => {
    const predicted = kept?.predicted ?? null;
    if (predicted === null) return null;
    const { ms: value, std, coverage } = predicted;
    const note = coverage < 1 ? `extrapolated: ${percent(coverage)} of it is like what was measured` : undefined;
    return { text: `${ms(value)} ± ${ms(std)}`, ...(note === undefined ? {} : { note }) };
  },
};

const finalLines: readonly Line[] = [
  {
    title: 'final accuracy',
    of: ({ kept }) => {
      const final = kept?.final ?? null;
      if (final === null) return null;
      return final.accuracy === null
        ? { text: final.state, ...(final.message === null ? {} : { note: final.message }) }
        : { text: percent(final.accuracy), note: epochsText(final.epochs) };
    },
  },
  {
    title: 'test accuracy',
    of: ({ kept }) => {
      const accuracy = kept?.final?.testAccuracy ?? null;
      return accuracy === null ? null : { text: percent(accuracy) };
    },
  },
];

/** What is known of the network in each precision: found by the search, predicted, and after it. */
export function TrialValues({ trial, objectives, measures }: ValuesProps) {
  const judged = judgedOf(trial);
  const first = objectives.map(({ name }) => name);
  const names = new Set([...first, ...judged.flatMap(({ values }) => Object.keys(values))]);
  const lines = [...[...names].map((name) => searchLine(name, measures)), predictedLine, ...finalLines].filter(
    ({ of }) => judged.some((each) => of(each) !== null),
  );
  if (lines.length === 0) return <p>Nothing is known of it yet.</p>;
  const columns: readonly Column<Line>[] = [
    { title: 'value', heading: true, cell: ({ title }) => title },
    ...judged.map((each): Column<Line> => ({
      title: each.precision ?? 'of this network',
      cell: ({ of }) => {
        const cell = of(each);
        if (cell === null) return '-';
        return (
          <>
            {cell.text} {cell.tag !== undefined && <Tag text={cell.tag} />}
            {cell.note !== undefined && <div class="note">{cell.note}</div>}
          </>
        );
      },
    })),
  ];
  return <Table columns={columns} rows={lines} label="Values" />;
}

/** What became of the network in each precision, and why. */
export function Verdicts({ trial: { variants = [] } }: Pick<ValuesProps, 'trial'>) {
  if (variants.length === 0) return null;
  return (
    <>
      <h3>Precisions</h3>
      <Table
        label="Precisions"
        rows={variants}
        columns={[
          { title: 'precision', heading: true, cell: ({ precision }) => precision },
          {
            title: 'may stand on the frontier',
            cell: ({ accepted }) => (accepted === null ? 'not judged yet' : accepted ? 'yes' : 'no'),
          },
          { title: 'verdict', cell: ({ verdict }) => verdict },
        ]}
      />
    </>
  );
}
