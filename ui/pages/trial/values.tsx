import { foldText } from '../../data/fields.js';
import { epochsText, ms } from '../../../base/number-text.js';
import { estimateText } from '../../../base/certainty.js';
import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type {
  MeasureText,
  Objective,
  Provenance,
  ReportPrecision,
  ReportMember,
  StoredPrecision,
  Values,
} from '../../../reports/page/api.js';
import { Tag } from '../../components/elements.js';
import { Table, type Column } from '../../components/table.js';
import { hoverOf, textWithError, titleOf } from '../../data/measures.js';

export interface Variant {
  /** Null in runs with one precision. */
  readonly precision: StoredPrecision | null;
  readonly values: Values;
  readonly provenance: Readonly<Record<string, Provenance>>;
  readonly certainty: ReportMember['certainty'];
  /** Null when nothing else is stored. */
  readonly kept: ReportPrecision | null;
}

/** A trial's network in each precision that was tried. */
export function variantsOf(trial: ReportMember): readonly Variant[] {
  const { values, provenance, certainty, variants = [], kept } = trial;
  if (variants.length === 0) return [{ precision: null, values, provenance, certainty, kept: trial }];
  return variants.map((variant) => ({
    ...variant,
    certainty: variant.precision === trial.precision ? certainty : undefined,
    kept: kept?.[variant.precision] ?? null,
  }));
}

/** A row of the table; a cell is null without a value. */
interface Row {
  readonly title: string;
  readonly of: (
    variant: Variant,
  ) => { readonly text: string; readonly tag?: string | undefined; readonly note?: string | undefined } | null;
}

const searchRow = (name: string, measures: ValuesProps['measures']): Row => ({
  title: titleOf(measures, name),
  of: ({ values, provenance, kept, certainty }) => {
    if (!Object.hasOwn(values, name)) return null;
    const tag = provenance[name] as string | undefined;
    const latency = name === 'latency_ms' && tag === 'measured' ? kept?.latency : undefined;
    const known = latency?.certainty ?? certainty?.[name];
    const note = [hoverOf(measures, name, known), latency?.explanation].filter((each) => each !== undefined).join('. ');
    return {
      text: textWithError(measures, name, values[name], known),
      tag: known?.unreliable === undefined ? tag : 'unreliable',
      note: note === '' ? undefined : note,
    };
  },
});

const otherRows = (
  task: TaskType,
  score = (value: number, error: number | undefined) => estimateText(mainScores[task].unit, value, error),
): readonly Row[] => [
  {
    title: 'latency, predicted before it was measured',
    of: ({ kept }) => {
      const predicted = kept?.predicted ?? null;
      if (predicted === null) return null;
      const { ms: value, std, coverage } = predicted;
      const note =
        coverage < 1
          ? `extrapolated: ${Math.floor(1000 * coverage) / 10} % of the network is similar to measured ones`
          : undefined;
      return { text: `${ms(value)} ± ${ms(std)}`, note };
    },
  },
  {
    title: `final ${mainScores[task].title}`,
    of: ({ kept }) => {
      const final = kept?.final ?? null;
      if (final === null) return null;
      return final.accuracy === null
        ? { text: final.state, note: final.message ?? undefined }
        : { text: score(final.accuracy, final.standardError), note: epochsText(final.epochs) };
    },
  },
  {
    title: `cross-validated ${mainScores[task].title}`,
    of: ({ kept }) => {
      const folds = kept?.final?.folds;
      return folds === undefined
        ? null
        : { text: foldText(task, folds.mean, folds.standardError), note: `${folds.folds} folds` };
    },
  },
  {
    title: `test ${mainScores[task].title}`,
    of: ({ kept }) => {
      const accuracy = kept?.final?.testAccuracy ?? null;
      return accuracy === null ? null : { text: score(accuracy, kept?.final?.testStandardError) };
    },
  },
];

interface ValuesProps {
  readonly task: TaskType;
  readonly trial: ReportMember;
  readonly objectives: readonly Objective[];
  readonly measures: Readonly<Record<string, MeasureText>>;
}

/** The values of a trial in each precision: from the search, predicted, and final. */
export function TrialValues({ task, trial, objectives, measures }: ValuesProps) {
  const variants = variantsOf(trial);
  const first = objectives.map(({ name }) => name);
  const names = new Set([...first, ...variants.flatMap(({ values }) => Object.keys(values))]);
  const rows = [...[...names].map((name) => searchRow(name, measures)), ...otherRows(task)].filter(({ of }) =>
    variants.some((variant) => of(variant) !== null),
  );
  if (rows.length === 0) return <p>There are no values yet.</p>;
  const columns: readonly Column<Row>[] = [
    { title: 'value', heading: true, cell: ({ title }) => title },
    ...variants.map((variant): Column<Row> => ({
      title: variant.precision ?? 'of this network',
      cell: ({ of }) => {
        const cell = of(variant);
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
  return <Table columns={columns} rows={rows} label="Values" />;
}

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
            title: 'may be on the frontier',
            cell: ({ accepted }) => (accepted === null ? 'not judged yet' : accepted ? 'yes' : 'no'),
          },
          { title: 'verdict', cell: ({ verdict }) => verdict },
        ]}
      />
    </>
  );
}
