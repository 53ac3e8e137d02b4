import { estimateText } from '../../base/certainty.js';
import { count, duration } from '../../base/number-text.js';
import { mainScores, meanScoreText, scoreText } from '../../base/scores.js';
import type { TaskType } from '../../base/task.js';
import type { MeasureText, ReportData, ReportMember } from '../../reports/page/api.js';
import { Tag, tileOf, Tiles, type TileText } from '../components/elements.js';
import {
  accuracyAmong,
  measureOf,
  searchedAccuracy,
  sliced,
  textOf,
  titleOf,
  unusualAccuracy,
} from '../data/measures.js';
import { frontierColumns, placeColumn } from '../components/frontier-columns.js';
import { hasNetwork } from '../components/network.js';
import { NoteText } from '../components/notes.js';
import { numberColumn, Table, type Column } from '../components/table.js';
import { cardId } from './network-card.js';

const seconds = ({ run: { startedAt, updatedAt } }: ReportData): number =>
  (Date.parse(updatedAt) - Date.parse(startedAt)) / 1000;

const best = (task: TaskType, values: readonly (number | null | undefined)[]): string => {
  const known = values.filter((value) => value !== null && value !== undefined);
  return scoreText(task, known.length === 0 ? null : Math.max(...known));
};

function bestOfFirst({ objectives: [{ name, direction }], measures, frontier }: ReportData): readonly TileText[] {
  const values = frontier.map((member) => member.values[name]);
  const top = direction === 'maximize' ? Math.max(...values) : Math.min(...values);
  return tileOf(textOf(measures, name, values.length === 0 ? null : top), `best ${titleOf(measures, name)}`);
}

/** Whether networks of the frontier had a final training; otherwise they have at most a test accuracy. */
const hasFinalTraining = ({ frontier }: ReportData): boolean => frontier.some(({ final }) => (final?.epochs ?? 0) > 0);

function tilesOf(data: ReportData): TileText[] {
  const { measures, frontier } = data;
  const { counts, planned, rejected, evaluation, task } = data.run;
  const score = mainScores[task].title;
  const trains = evaluation === 'training';
  const states = ['pruned', 'failed', 'running', 'waiting'] as const;
  const others = states.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  const ended = [`trials ${trains && !sliced(data) ? 'trained' : 'evaluated'}`, ...others].join(', ');
  const searched = frontier.map(({ values }) => accuracyAmong(measures, values));
  const final = frontier.map((member) => member.final?.accuracy);
  return [
    ...tileOf(`${counts.complete} / ${planned}`, ended),
    ...tileOf(
      String(frontier.length),
      `networks on the frontier${data.precisions === undefined ? '' : ', in their precisions'}`,
    ),
    ...(trains
      ? tileOf(best(task, searched), `best ${unusualAccuracy(data) ?? `validation ${score}`} in the search`)
      : bestOfFirst(data)),
    ...tileOf(hasFinalTraining(data) ? best(task, final) : null, `best validation ${score} after final training`),
    ...tileOf(
      rejected > 0 ? count(rejected) : null,
      `candidates rejected before ${trains ? 'training' : 'evaluation'}`,
    ),
    ...tileOf(duration(seconds(data)), evaluation === 'table' ? 'of simulated time' : 'from start to last change'),
  ];
}

export const ReportTiles = ({ data }: { readonly data: ReportData }) => <Tiles tiles={tilesOf(data)} />;

type MemberColumn = Column<ReportMember>;

const countOf = (value: number | undefined): string => (value === undefined ? '-' : count(value));

const TrialCell = ({ member }: { readonly member: ReportMember }) => (
  <>
    <a href={`#${cardId(member)}`}>#{member.number}</a>
    {member.enqueued !== null && (
      <>
        {' '}
        <Tag text={member.enqueued} />
      </>
    )}
  </>
);

/** Cross-validated scores with their standard errors; no column without any. */
function foldsColumns(task: TaskType, frontier: readonly ReportMember[]): MemberColumn[] {
  const first = frontier.find(({ final }) => final?.folds !== undefined)?.final?.folds;
  if (first === undefined) return [];
  return [
    numberColumn(`${first.folds}-fold ${mainScores[task].title}`, ({ final }) =>
      final?.folds === undefined ? '-' : meanScoreText(task, final.folds.mean, final.folds.standardError),
    ),
  ];
}

const finalColumns = ({ run: { task }, titles, frontier }: ReportData): MemberColumn[] => [
  numberColumn(titles.final, ({ final }) =>
    final?.state === 'failed' ? (
      <Tag text="failed" />
    ) : (
      estimateText(mainScores[task].unit, final?.accuracy, final?.standardError)
    ),
  ),
  ...foldsColumns(task, frontier),
  {
    title: 'final frontier',
    cell: ({ final }) => {
      const onFrontier = final?.onFrontier ?? null;
      return onFrontier === null ? '-' : onFrontier ? 'yes' : 'no';
    },
  },
];

const noteColumn: MemberColumn = { title: 'note', cell: (member) => <NoteText of={member} /> };

const costColumns: readonly (MemberColumn & { readonly objective: string })[] = [
  { objective: 'macs', title: 'MACs', numeric: true, cell: ({ costs }) => countOf(costs?.macs) },
  { objective: 'params', title: 'parameters', numeric: true, cell: ({ costs }) => countOf(costs?.params) },
];

function columnsOf(data: ReportData): MemberColumn[] {
  const { run, objectives, measures, frontier, precisions, titles } = data;
  const trains = run.evaluation === 'training';
  const named = new Set(objectives.map(({ name }) => name));
  const test: MemberColumn = numberColumn(titles.test, ({ final }) =>
    estimateText(mainScores[run.task].unit, final?.testAccuracy, final?.testStandardError),
  );
  return [
    ...frontierColumns<ReportMember>({
      objectives,
      measures,
      link: (member) => <TrialCell member={member} />,
      precisions: precisions !== undefined,
      title: (name) => (trains ? measureOf(measures, name)?.searchTitle : undefined) ?? titleOf(measures, name),
    }),
    ...(frontier.some(({ certainty }) => certainty !== undefined) ? [placeColumn] : []),
    ...(frontier.some(({ note, tags }) => (note ?? tags) !== undefined) ? [noteColumn] : []),
    ...(hasFinalTraining(data) ? finalColumns(data) : []),
    ...(frontier.some(({ final }) => final !== null) ? [test] : []),
    ...costColumns.filter(({ objective }) => frontier.some(hasNetwork) && !named.has(objective)),
  ];
}

export function FrontierTable({ data }: { readonly data: ReportData }) {
  const { run, frontier } = data;
  // The values of a table or a program are neither measured nor predicted here.
  const rows = run.evaluation === 'training' ? frontier : frontier.map((member) => ({ ...member, provenance: {} }));
  return <Table columns={columnsOf(data)} rows={rows} label="Networks on the frontier" />;
}

const searchNotes: { readonly [E in NonNullable<MeasureText['evaluation']>]: (score: string) => string } = {
  train: (score) => `Search ${score}: validation split, on the search's short schedule`,
  inherit: (score) =>
    `Inherited ${score}: validation split, after the search's short training from a slice of the supernet`,
  supernet: (score) =>
    `Supernet ${score}: validation split, of the slice as it is, its batch norm calibrated; nothing was trained`,
};

export function FrontierNotes({ data }: { readonly data: ReportData }) {
  const { run, provenance } = data;
  if (run.evaluation === 'table') return <p class="note">All values come from {provenance.data}.</p>;
  if (run.evaluation === 'study') return <p class="note">A program evaluated the networks, and told their values.</p>;
  const evaluation = searchedAccuracy(data)?.evaluation;
  const score = mainScores[run.task].title;
  return (
    <p class="note">
      {evaluation !== undefined && `${searchNotes[evaluation](score)}; it decided which networks are on the frontier.`}
      {hasFinalTraining(data) &&
        ` Final and test ${score}: after the full training; the search never used the test split. Final frontier: whether the network is still on the frontier after all were fully trained.`}
      {data.frontier.some(({ certainty }) => certainty !== undefined) &&
        ` ± is the standard error, from the number of images. Place: sure, or the trials that are at least as good in every objective within the 95 % intervals.`}
      {data.frontier.some(({ final }) => final?.folds !== undefined) &&
        ` Folds: the mean of trainings on other splits of the training and validation images, with its standard error; it decides the final frontier where all networks have it.`}
    </p>
  );
}
