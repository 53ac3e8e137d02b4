import { foldText } from '../../data/fields.js';
import { useMemo } from 'preact/hooks';
import { estimateText, isSure } from '../../../base/certainty.js';
import { mainScores } from '../../../base/scores.js';
import { shellWord } from '../../../base/text.js';
import type { CandidateKey } from '../../../reports/page/api.js';
import { useOpenTrial, useQuery, useRun, useThrottled } from '../../data/hooks.js';
import { extentOf, spansDecades } from '../../charts/axis.js';
import { frontierOption } from '../../charts/frontier.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Checkbox, Select } from '../../components/elements.js';
import { frontierColumns, placeColumn } from '../../components/frontier-columns.js';
import { TrialLink, TrialLinks } from '../../components/run-status.js';
import { numberColumn, Table, type Column } from '../../components/table.js';
import { cellsOf } from '../../data/candidates.js';
import { isAccuracy, titleOf } from '../../data/measures.js';
import type { Test } from '../../filter/compile.js';
import { axisInAddress, axisMeasures, axisNames, columnOf, flagIn, frontierMarks, planeIn } from './frontier-marks.js';

interface AxisChoiceProps {
  /** `x` or `y`. */
  readonly axis: string;
  readonly value: string;
  readonly options: readonly (readonly [name: string, title: string])[];
  readonly onChange: (name: string) => void;
  readonly log: boolean;
  readonly onLog: (log: boolean) => void;
}

function AxisChoice({ axis, value, options, onChange, log, onLog }: AxisChoiceProps) {
  const logLabel = (
    <span>
      log<span class="visually-hidden"> scale of {axis}</span>
    </span>
  );
  return (
    <span class="axis-choice">
      <Select label={axis} value={value} options={options} onChange={onChange} />
      <Checkbox label={logLabel} checked={log} onChange={onLog} />
    </span>
  );
}

/** Members without a final training, in a complete run that has some: later measurements let them in. */
function LateMembers() {
  const {
    live: { candidates, frontier, version },
    info: { run, workdir },
  } = useRun();
  if (version.value === 0 || run.status !== 'complete' || run.evaluation !== 'training') return null;
  const isFinal = (key: CandidateKey): boolean =>
    typeof candidates.finalAccuracy[candidates.rowOf(key) ?? -1] === 'number';
  const late = frontier.value.filter((key) => !isFinal(key));
  if (late.length === 0 || !candidates.finalAccuracy.some((final) => final !== null)) return null;
  const line = `nas resume ${shellWord(workdir)} --trials ${run.planned}`;
  return (
    <p class="note">
      Without a final training and a file, as later measurements brought {late.length === 1 ? 'it' : 'them'} here:{' '}
      <TrialLinks numbers={late.map(({ number }) => number)} />. <code>{line}</code> adds{' '}
      {late.length === 1 ? 'it' : 'them'}.
    </p>
  );
}

interface Filtered {
  /** The filter of the page; null: none. */
  readonly test: Test | null;
}

/** The networks of the frontier that the filter keeps, with predicted values marked. */
function FrontierTable({ test }: Filtered) {
  const {
    live: { candidates, frontier, version },
    info: { run, objectives, measures, precisions },
  } = useRun();
  const { title, unit } = mainScores[run.task];
  const { finalAccuracy, finalError, foldAccuracy, foldError } = candidates;
  const members = frontier.value.map((key) => {
    const row = candidates.rowOf(key) ?? -1;
    const values = cellsOf(candidates.values, row);
    const provenance = cellsOf(candidates.provenance, row);
    return { ...key, row, values, provenance, certainty: candidates.certaintyOf(row) };
  });
  const rows = version.value === 0 ? [] : members.filter(({ row }) => test?.(row) ?? true);
  type Member = (typeof rows)[number];
  const knows = (column: readonly unknown[]): boolean => rows.some(({ row }) => typeof column[row] === 'number');
  const link = ({ number }: Member) => <TrialLink number={number} />;
  const columns: readonly (Column<Member> | false)[] = [
    ...frontierColumns({ objectives, measures, link, precisions: precisions !== null }),
    knows(finalAccuracy) &&
      numberColumn(`final ${title}`, ({ row }) => estimateText(unit, finalAccuracy[row], finalError[row])),
    knows(foldAccuracy) &&
      numberColumn(`cross-validated ${title}`, ({ row }) => foldText(run.task, foldAccuracy[row], foldError[row])),
    candidates.certainty.size > 0 && placeColumn,
  ];
  return <Table columns={columns.filter((column) => column !== false)} rows={rows} label="Networks of the frontier" />;
}

/** From this number of rows on, the chart is updated less often. */
const many = 5000;

const isLogarithmic = (column: readonly (number | null)[] | undefined): boolean =>
  spansDecades(extentOf((column ?? []).filter((value) => value !== null)));

export function FrontierCard({ test }: Filtered) {
  const { live, info } = useRun();
  const { candidates } = live;
  const open = useOpenTrial();
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const version = useThrottled(live.version, candidates.length < many ? 250 : 1000);
  const frontier = useThrottled(live.frontier, 250);
  const measures = axisMeasures(info);
  const names = axisNames(info, candidates);
  const { x, y } = planeIn(query, info, names);
  const log = {
    x: flagIn(query['logx']) ?? (x !== null && isLogarithmic(columnOf(candidates, x))),
    y: flagIn(query['logy']) ?? false,
  };
  const dominated = flagIn(query['all']) ?? true;
  const precisions = info.precisions !== null;
  const option = useMemo(() => {
    const plane = { x, y };
    const accuracy = isAccuracy(info.measures, y);
    const marks = frontierMarks({ candidates, frontier, plane, accuracy, precisions, dominated, test });
    const { objectives } = info;
    return frontierOption({ ...marks, plane, objectives, measures, theme, precisions, log, sparseLabels: true });
  }, [version, frontier, x, y, log.x, log.y, dominated, theme, precisions, candidates, test]);
  const options = names.map((name) => [name, titleOf(measures, name)] as const);
  const title = (name: string | null): string => (name === null ? 'trial' : titleOf(measures, name));
  return (
    <section class="wide">
      <h2>Frontier</h2>
      <div class="toolbar">
        {(['y', 'x'] as const).map((axis) => (
          <AxisChoice
            key={axis}
            axis={axis}
            value={axisInAddress({ x, y }[axis])}
            options={axis === 'y' ? options : [...options, [axisInAddress(null), 'trial number']]}
            onChange={(name) => change({ [axis]: name, [`log${axis}`]: null })}
            log={log[axis]}
            onLog={(on) => change({ [`log${axis}`]: on ? '1' : '0' })}
          />
        ))}
        <Checkbox
          label="all trials"
          checked={dominated}
          onChange={(checked) => change({ all: checked ? null : '0' })}
        />
      </div>
      <Chart
        option={option}
        height={480}
        zoom="xy"
        label={`${title(y)} against ${title(x)}: ${frontier.length} networks on the frontier of ${info.run.counts.complete} complete trials`}
        onPoint={open}
        table={() => <FrontierTable test={test} />}
      />
      {candidates.certainty.size > 0 && (
        <p class="note">
          Bars are 95 % intervals: of accuracies from the number of validation images, of latencies from their
          measurements.{' '}
          {frontier.some(
            (key) => !isSure({ ...key, certainty: candidates.certaintyOf(candidates.rowOf(key) ?? -1) }),
          ) &&
            'A question mark: the place is not sure; within the intervals, another trial may be at least as good in every objective, or the latency is not reliable.'}
        </p>
      )}
      <LateMembers />
    </section>
  );
}
