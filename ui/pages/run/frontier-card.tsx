import { useEffect, useMemo, useState } from 'preact/hooks';
import type { CandidateKey, RunId } from '../../../experiments/page/api.js';
import { get, isFinal, untilDone } from '../../data/connection.js';
import { extentOf, spansDecades } from '../../charts/axis.js';
import { percent } from '../../../base/number-text.js';
import { useQuery, useRun, useSeldom } from '../../app/hooks.js';
import { Table, type Column } from '../../components/table.js';
import { trialAddress } from '../../data/addresses.js';
import { isAccuracy, textOf, titleOf } from '../../data/measures.js';
import { useLocation } from 'preact-iso';
import { frontierOption } from '../../charts/frontier.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { axisInAddress, axisMeasures, axisNames, columnOf, flagIn, FrontierMarks, planeIn } from './frontier-marks.js';

type Interval = readonly [low: number, high: number];

/** Members of the frontier whose intervals are shown; more would hide each other. */
const most = 40;

const nameOf = ({ number, precision }: CandidateKey): string => `${number} ${precision}`;

/** The 95 % intervals of measured latencies of networks on the frontier, fetched one after the other. */
function useIntervals(run: RunId, members: readonly CandidateKey[]): (key: CandidateKey) => Interval | undefined {
  const [known, setKnown] = useState<ReadonlyMap<string, Interval | null>>(new Map());
  const missing = members.slice(0, most).find((key) => !known.has(nameOf(key)));
  const name = missing === undefined ? null : nameOf(missing);
  useEffect(() => {
    if (missing === undefined) return;
    const ended = new AbortController();
    const { number, precision } = missing;
    const keep = (interval: Interval | null) => setKnown((before) => new Map([...before, [nameOf(missing), interval]]));
    const ask = async (): Promise<void> => {
      const parameters = { run, trial: number };
      const { trial } = await get('/api/runs/:run/trials/:trial', parameters, { precision }, ended.signal);
      keep(trial.latency?.interval ?? null);
    };
    void untilDone(
      () =>
        ask().catch((error: unknown) => {
          if (!isFinal(error)) throw error;
          keep(null);
        }),
      () => undefined,
      ended.signal,
    );
    return () => ended.abort();
  }, [run, name]);
  return useMemo(() => (key) => known.get(nameOf(key)) ?? undefined, [known]);
}

interface Props {
  /** `x` or `y`. */
  readonly axis: string;
  readonly value: string;
  readonly options: readonly { readonly name: string; readonly title: string }[];
  readonly onChange: (name: string) => void;
  readonly log: boolean;
  readonly onLog: (log: boolean) => void;
}

/** What an axis shows, and whether it is logarithmic. */
function AxisChoice({ axis, value, options, onChange, log, onLog }: Props) {
  return (
    <span class="axis-choice">
      <label>
        {axis}{' '}
        <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {options.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      <label>
        <input type="checkbox" checked={log} onChange={({ currentTarget: { checked } }) => onLog(checked)} />
        <span>
          log<span class="visually-hidden"> scale of {axis}</span>
        </span>
      </label>
    </span>
  );
}

/** Whether an axis is logarithmic when nobody says. */
const isLogarithmic = (column: readonly (number | null)[] | undefined): boolean =>
  spansDecades(extentOf((column ?? []).filter((value) => value !== null)));

/** The networks of the frontier, and which of their values were predicted. */
function FrontierTable() {
  const {
    live: { id, candidates, frontier, version },
    info: { objectives, measures, precisions },
  } = useRun();
  const rows = version.value === 0 ? [] : frontier.value;
  const final = ({ number, precision }: CandidateKey): number | null =>
    candidates.finalAccuracy[candidates.rowOf({ number, precision }) ?? -1] ?? null;
  const columns: readonly Column<CandidateKey>[] = [
    {
      title: 'trial',
      heading: true,
      cell: ({ number }) => <a href={trialAddress(id, number)}>#{number}</a>,
    },
    ...(precisions === null
      ? []
      : [{ title: 'precision', cell: ({ precision }: CandidateKey) => precision } satisfies Column<CandidateKey>]),
    ...objectives.map(({ name }): Column<CandidateKey> => ({
      title: titleOf(measures, name),
      numeric: true,
      cell: (key) => {
        const row = candidates.rowOf(key) ?? -1;
        const text = textOf(measures, name, candidates.values.get(name)?.[row]);
        return candidates.provenance.get(name)?.[row] === 'predicted' ? `${text} (predicted)` : text;
      },
    })),
    ...(rows.some((key) => final(key) !== null)
      ? [
          {
            title: 'final accuracy',
            numeric: true,
            cell: (key) => {
              const value = final(key);
              return value === null ? '-' : percent(value);
            },
          } satisfies Column<CandidateKey>,
        ]
      : []),
  ];
  return <Table columns={columns} rows={rows} label="Networks of the frontier" />;
}

/** From so many rows on, the picture is made anew less often. */
const many = 5000;

const isKey = (key: unknown): key is CandidateKey => typeof key === 'object' && key !== null && 'number' in key;

const noMembers: readonly CandidateKey[] = [];

/** The frontier as it grows: any two measures against each other, as the address says. */
export function FrontierCard() {
  const { live, info } = useRun();
  const { candidates } = live;
  const { route } = useLocation();
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const version = useSeldom(live.version, candidates.length < many ? 250 : 1000);
  const frontier = useSeldom(live.frontier, 250);
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
  const { objectives } = info;
  const option = useMemo(() => {
    const accuracy = isAccuracy(info.measures, y);
    const marks = new FrontierMarks({
      candidates,
      frontier,
      plane: { x, y },
      accuracy,
      precisions,
      dominated,
      intervalOf,
    });
    return frontierOption({
      points: marks.points,
      clouds: marks.clouds,
      plane: { x, y },
      objectives,
      measures,
      theme,
      precisions,
      log,
      sparseLabels: true,
    });
  }, [version, frontier, x, y, log.x, log.y, dominated, intervalOf, theme, precisions, candidates]);
  const options = names.map((name) => ({ name, title: titleOf(measures, name) }));
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
          options={[...options, { name: axisInAddress(null), title: "trial's number" }]}
          onChange={(name) => change({ x: name, logx: null })}
          log={log.x}
          onLog={(on) => change({ logx: on ? '1' : '0' })}
        />
        <label>
          <input
            type="checkbox"
            checked={dominated}
            onChange={({ currentTarget: { checked } }) => change({ all: checked ? null : '0' })}
          />
          all trials
        </label>
      </div>
      <Chart
        option={option}
        height={480}
        zoom="xy"
        label={`${title(y)} against ${title(x)}: ${frontier.length} networks on the frontier of ${info.run.counts.complete} complete trials`}
        onPoint={(key) => {
          if (isKey(key)) route(trialAddress(live.id, key.number));
        }}
        table={() => <FrontierTable />}
      />
    </section>
  );
}
