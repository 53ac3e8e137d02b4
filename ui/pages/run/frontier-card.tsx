import { foldText } from '../../data/fields.js';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { mainScores, scoreText } from '../../../base/scores.js';
import type { CandidateKey, RunId } from '../../../experiments/page/api.js';
import { useOpenTrial, useQuery, useRun, useThrottled } from '../../app/hooks.js';
import { extentOf, spansDecades } from '../../charts/axis.js';
import { frontierOption } from '../../charts/frontier.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Checkbox, Select } from '../../components/elements.js';
import { TrialLink } from '../../components/run-status.js';
import { Table, type Column } from '../../components/table.js';
import { get, isFinal, retry } from '../../data/connection.js';
import { isAccuracy, textOf, titleOf } from '../../data/measures.js';
import { axisInAddress, axisMeasures, axisNames, columnOf, flagIn, FrontierMarks, planeIn } from './frontier-marks.js';

type Interval = readonly [low: number, high: number];

/** The most members whose intervals are shown; more would hide each other. */
const mostIntervals = 40;

const nameOf = ({ number, precision }: CandidateKey): string => `${number} ${precision}`;

/** The 95 % intervals of measured latencies on the frontier, fetched one after another. */
function useIntervals(run: RunId, members: readonly CandidateKey[]): (key: CandidateKey) => Interval | undefined {
  const [known, setKnown] = useState<ReadonlyMap<string, Interval | null>>(new Map());
  const missing = members.slice(0, mostIntervals).find((key) => !known.has(nameOf(key)));
  const name = missing === undefined ? null : nameOf(missing);
  useEffect(() => {
    if (missing === undefined) return;
    const ended = new AbortController();
    const { number, precision } = missing;
    const keep = (interval: Interval | null) => setKnown((before) => new Map([...before, [nameOf(missing), interval]]));
    const load = async (): Promise<void> => {
      try {
        const parameters = { run, trial: number };
        const { trial } = await get('/api/runs/:run/trials/:trial', parameters, { precision }, ended.signal);
        keep(trial.latency?.interval ?? null);
      } catch (error) {
        if (!isFinal(error)) throw error;
        keep(null);
      }
    };
    void retry(load, () => undefined, ended.signal);
    return () => ended.abort();
  }, [run, name]);
  return useMemo(() => (key) => known.get(nameOf(key)) ?? undefined, [known]);
}

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
  const precision: Column<CandidateKey> = { title: 'precision', cell: (key) => key.precision };
  const finalAccuracy: Column<CandidateKey> = {
    title: `final ${mainScores[run.task].title}`,
    numeric: true,
    cell: (key) => scoreText(run.task, final(key)),
  };
  const columns: readonly Column<CandidateKey>[] = [
    { title: 'trial', heading: true, cell: ({ number }) => <TrialLink number={number} /> },
    ...(precisions === null ? [] : [precision]),
    ...objectives.map(({ name }): Column<CandidateKey> => ({
      title: titleOf(measures, name),
      numeric: true,
      cell: (key) => {
        const row = candidates.rowOf(key) ?? -1;
        const text = textOf(measures, name, candidates.values.get(name)?.[row]);
        return candidates.provenance.get(name)?.[row] === 'predicted' ? `${text} (predicted)` : text;
      },
    })),
    ...(rows.some((key) => final(key) !== null) ? [finalAccuracy] : []),
    ...(rows.some((key) => foldsOf(key) !== '-') ? [crossValidated] : []),
  ];
  return <Table columns={columns} rows={rows} label="Networks of the frontier" />;
}

/** From this number of rows on, the chart is updated less often. */
const many = 5000;

const noMembers: readonly CandidateKey[] = [];

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
  const intervalOf = useIntervals(live.id, x === 'latency_ms' ? frontier : noMembers);
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
      intervalOf,
    });
    const { objectives } = info;
    return frontierOption({ points, clouds, plane, objectives, measures, theme, precisions, log, sparseLabels: true });
  }, [version, frontier, x, y, log.x, log.y, dominated, intervalOf, theme, precisions, candidates]);
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
    </section>
  );
}
