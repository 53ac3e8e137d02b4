import { foldText } from '../../data/fields.js';
import { useMemo } from 'preact/hooks';
import { estimateText, isSure, placeText } from '../../../base/certainty.js';
import { mainScores } from '../../../base/scores.js';
import { shellWord } from '../../../base/text.js';
import type { CandidateKey, FrontierKey } from '../../../experiments/page/api.js';
import { useOpenTrial, useQuery, useRun, useThrottled } from '../../app/hooks.js';
import { extentOf, spansDecades } from '../../charts/axis.js';
import { frontierOption } from '../../charts/frontier.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Checkbox, Select } from '../../components/elements.js';
import { TrialLink, TrialLinks } from '../../components/run-status.js';
import { Table, type Column } from '../../components/table.js';
import { Value } from '../../components/value.js';
import { isAccuracy, titleOf } from '../../data/measures.js';
import { axisInAddress, axisMeasures, axisNames, columnOf, flagIn, FrontierMarks, planeIn } from './frontier-marks.js';

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

/** The networks of the frontier, with predicted values marked. */
function FrontierTable() {
  const {
    live: { candidates, frontier, version },
    info: { run, objectives, measures, precisions },
  } = useRun();
  const rows = version.value === 0 ? [] : frontier.value;
  const final = (key: CandidateKey): number | null => candidates.finalAccuracy[candidates.rowOf(key) ?? -1] ?? null;
  const foldsOf = (key: CandidateKey): string => {
    const row = candidates.rowOf(key) ?? -1;
    return foldText(run.task, candidates.foldAccuracy[row] ?? null, candidates.foldError[row] ?? null);
  };
  const crossValidated: Column<CandidateKey> = {
    title: `cross-validated ${mainScores[run.task].title}`,
    numeric: true,
    cell: foldsOf,
  };
  const place: Column<FrontierKey> = {
    title: 'place',
    cell: (key) => placeText({ ...key, certainty: candidates.certaintyOf(candidates.rowOf(key) ?? -1) }),
  };
  const precision: Column<CandidateKey> = { title: 'precision', cell: (key) => key.precision };
  const finalAccuracy: Column<CandidateKey> = {
    title: `final ${mainScores[run.task].title}`,
    numeric: true,
    cell: (key) =>
      estimateText(mainScores[run.task].unit, final(key), candidates.finalError[candidates.rowOf(key) ?? -1]),
  };
  const columns: readonly Column<FrontierKey>[] = [
    { title: 'trial', heading: true, cell: ({ number }) => <TrialLink number={number} /> },
    ...(precisions === null ? [] : [precision]),
    ...objectives.map(({ name }): Column<CandidateKey> => ({
      title: titleOf(measures, name),
      numeric: true,
      cell: (key) => {
        const row = candidates.rowOf(key) ?? -1;
        return (
          <Value
            measures={measures}
            name={name}
            value={candidates.values.get(name)?.[row]}
            certainty={candidates.certainty.get(name)?.[row]}
            provenance={candidates.provenance.get(name)?.[row]}
          />
        );
      },
    })),
    ...(rows.some((key) => final(key) !== null) ? [finalAccuracy] : []),
    ...(rows.some((key) => foldsOf(key) !== '-') ? [crossValidated] : []),
    ...(candidates.certainty.size === 0 ? [] : [place]),
  ];
  return <Table columns={columns} rows={rows} label="Networks of the frontier" />;
}

/** From this number of rows on, the chart is updated less often. */
const many = 5000;

const isLogarithmic = (column: readonly (number | null)[] | undefined): boolean =>
  spansDecades(extentOf((column ?? []).filter((value) => value !== null)));

export function FrontierCard() {
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
    const { points, clouds } = new FrontierMarks({
      candidates,
      frontier,
      plane,
      accuracy,
      precisions,
      dominated,
    });
    const { objectives } = info;
    return frontierOption({ points, clouds, plane, objectives, measures, theme, precisions, log, sparseLabels: true });
  }, [version, frontier, x, y, log.x, log.y, dominated, theme, precisions, candidates]);
  const options = names.map((name) => [name, titleOf(measures, name)] as const);
  const title = (name: string | null): string => (name === null ? 'trial' : titleOf(measures, name));
  return (
    <section class="wide">
      <h2>Frontier</h2>
      <div class="toolbar">
        <AxisChoice
          axis="y"
          value={y}
          options={options}
          onChange={(name) => change({ y: name, logy: null })}
          log={log.y}
          onLog={(on) => change({ logy: on ? '1' : '0' })}
        />
        <AxisChoice
          axis="x"
          value={axisInAddress(x)}
          options={[...options, [axisInAddress(null), 'trial number']]}
          onChange={(name) => change({ x: name, logx: null })}
          log={log.x}
          onLog={(on) => change({ logx: on ? '1' : '0' })}
        />
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
        table={() => <FrontierTable />}
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
