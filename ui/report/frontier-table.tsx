import { count, valueText } from '../../base/number-text.js';
import type { MeasureText, ReportData, ReportMember } from '../../experiments/page/api.js';
import { hasNetwork } from '../components/network-facts.js';
import { Table, type Column } from '../components/table.js';
import { Tag } from '../components/tag.js';
import { measureOf, searchedAccuracy } from '../data/measures.js';
import { textOf, titleOf } from '../data/text.js';
import { cardId } from './network-card.js';
import { hasFinalTraining } from './report-tiles.js';

type MemberColumn = Column<ReportMember>;

const share = (value: number | null | undefined): string => valueText('share', value);

const countOf = (value: number | undefined): string => (value === undefined ? '-' : count(value));

const numberColumn: MemberColumn = {
  title: 'trial',
  heading: true,
  cell: (member) => (
    <>
      <a href={`#${cardId(member)}`}>#{member.number}</a>
      {member.enqueued !== null && (
        <>
          {' '}
          <Tag text={member.enqueued} />
        </>
      )}
    </>
  ),
};

/** Objectives as they were in the search. */
function objectiveColumn(name: string, { run, measures }: ReportData): MemberColumn {
  const trains = run.evaluation === 'training';
  return {
    title: (trains ? measureOf(measures, name)?.searchTitle : undefined) ?? titleOf(measures, name),
    numeric: true,
    cell: ({ values, provenance }) => {
      const text = textOf(measures, name, values[name]);
      return trains && name === 'latency_ms' ? (
        <>
          {text} <Tag text={provenance[name] ?? 'computed'} />
        </>
      ) : (
        text
      );
    },
  };
}

/** What the final training came to, apart from what steered the search. */
const finalColumns = ({ titles }: ReportData): MemberColumn[] => [
  {
    title: titles.final,
    numeric: true,
    cell: ({ final }) => (final?.state === 'failed' ? <Tag text="failed" /> : share(final?.accuracy)),
  },
  {
    title: 'final frontier',
    cell: ({ final }) => {
      const onFrontier = final?.onFrontier ?? null;
      return onFrontier === null ? '-' : onFrontier ? 'yes' : 'no';
    },
  },
];

const costColumns: readonly (MemberColumn & { readonly objective: string })[] = [
  { objective: 'macs', title: 'MACs', numeric: true, cell: ({ costs }) => countOf(costs?.macs) },
  { objective: 'params', title: 'parameters', numeric: true, cell: ({ costs }) => countOf(costs?.params) },
];

function columnsOf(data: ReportData): MemberColumn[] {
  const { objectives, frontier, precisions, titles } = data;
  const named = new Set(objectives.map(({ name }) => name));
  const test: MemberColumn = { title: titles.test, numeric: true, cell: ({ final }) => share(final?.testAccuracy) };
  return [
    numberColumn,
    ...(precisions === undefined
      ? []
      : [{ title: 'precision', cell: ({ precision }: ReportMember) => precision ?? '-' }]),
    ...objectives.map(({ name }) => objectiveColumn(name, data)),
    ...(hasFinalTraining(data) ? finalColumns(data) : []),
    ...(frontier.some(({ final }) => final !== null) ? [test] : []),
    ...costColumns.filter(({ objective }) => frontier.some(hasNetwork) && !named.has(objective)),
  ];
}

export const FrontierTable = ({ data }: { readonly data: ReportData }) => (
  <Table columns={columnsOf(data)} rows={data.frontier} label="Networks on the frontier" />
);

/** What the accuracy is that steered the search. */
const searchNotes: { readonly [E in NonNullable<MeasureText['evaluation']>]: string } = {
  train: "Search accuracy: validation split, on the search's short schedule",
  inherit: "Inherited accuracy: validation split, after the search's short training from a slice of the supernet",
  supernet:
    'Supernet accuracy: validation split, of the slice as it is, its batch norm calibrated; nothing was trained',
};

export function FrontierNotes({ data }: { readonly data: ReportData }) {
  const { run, provenance } = data;
  if (run.evaluation === 'table') return <p class="note">All values come from {provenance.data}.</p>;
  const evaluation = searchedAccuracy(data)?.evaluation;
  return (
    <p class="note">
      {evaluation !== undefined && `${searchNotes[evaluation]}; it decided who is on the frontier.`}
      {hasFinalTraining(data) &&
        ' Final and test accuracy: after the full training; the test split was never seen by the search. Final frontier: whether no other network is as fast and more accurate once all were fully trained.'}
    </p>
  );
}
