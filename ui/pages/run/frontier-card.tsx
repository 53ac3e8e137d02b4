import { useLocation } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import type { CandidateKey } from '../../../experiments/page/api.js';
import { useRun } from '../../app/current-run.js';
import { useQuery } from '../../app/use-query.js';
import { frontierOption } from '../../charts/frontier.js';
import { Chart, useLook } from '../../components/chart.js';
import { trialAddress } from '../../data/addresses.js';
import { isAccuracy } from '../../data/measures.js';
import { titleOf } from '../../data/text.js';
import { useSeldom } from '../../data/use-seldom.js';
import { AxisChoice, isLogarithmic } from './axis-choice.js';
import { FrontierMarks } from './frontier-marks.js';
import { FrontierTable } from './frontier-table.js';
import { axisInAddress, axisMeasures, axisNames, columnOf, flagIn, planeIn } from './plane.js';
import { useIntervals } from './use-intervals.js';

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
  const look = useLook();
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
      look,
      precisions,
      log,
      sparseLabels: true,
    });
  }, [version, frontier, x, y, log.x, log.y, dominated, intervalOf, look, precisions, candidates]);
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
