import { useMemo } from 'preact/hooks';
import { duration, percent } from '../../../base/number-text.js';
import type { TimelineAnswer } from '../../../reports/page/api.js';
import { useOpenTrial, useRun, useRunAnswer } from '../../data/hooks.js';
import { laneName, laneTimes, timelineOption } from '../../charts/timeline.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { numberColumn, Table } from '../../components/table.js';
import { trainingText } from '../../data/curves.js';

/** Seconds until the timeline of a running search is refreshed. */
const age = 15;

function TimelineTable({ lanes, now }: { readonly lanes: TimelineAnswer['lanes']; readonly now: number }) {
  const rows = lanes.flatMap((lane) => lane.spans.map((span) => ({ lane, span })));
  return (
    <Table
      label="Trainings by worker"
      rows={rows.sort((a, b) => b.span.from - a.span.from).slice(0, 500)}
      columns={[
        { title: 'training', heading: true, cell: ({ span }) => trainingText(span.training) },
        { title: 'worker', cell: ({ lane }) => laneName(lane) },
        { title: 'started after', numeric: true, cell: ({ span }) => duration(span.from) },
        { title: 'took', numeric: true, cell: ({ span }) => duration((span.to ?? now) - span.from) },
        { title: 'outcome', cell: ({ span }) => span.outcome },
      ]}
    />
  );
}

/** Who trained what when, and how long each worker was idle. */
export function TimelineCard() {
  const { live } = useRun();
  const open = useOpenTrial();
  const theme = useChartTheme();
  const { done, total } = live.loaded.value;
  const { answer, problem } = useRunAnswer(total > 0 && done >= total ? '/api/runs/:run/timeline' : null, age);
  // Until the next answer, running trainings end at this one.
  const now = answer?.now ?? 0;
  const option = useMemo(() => (answer === null ? null : timelineOption(answer, now, theme)), [answer, now, theme]);
  const times = useMemo(() => (answer === null ? [] : laneTimes(answer, now)), [answer, now]);
  if (problem === null && (option === null || answer === null || times.length === 0)) return null;
  return (
    <section class="wide">
      <h2>Timeline of workers</h2>
      {problem !== null && <p class="banner">{problem}</p>}
      {option !== null && answer !== null && (
        <>
          <Chart
            option={option}
            height={Math.min(760, 110 + 36 * answer.lanes.length)}
            zoom="x"
            onPoint={open}
            label={`${times.reduce((sum, { trainings }) => sum + trainings, 0)} trainings by ${times.length} workers`}
            table={() => <TimelineTable lanes={answer.lanes} now={now} />}
          />
          <Table
            label="Busy and idle time of workers"
            rows={times}
            columns={[
              { title: 'worker', heading: true, cell: ({ name }) => name },
              { title: 'trainings', numeric: true, cell: ({ trainings }) => trainings.toLocaleString('en-US') },
              { title: 'busy', numeric: true, cell: ({ busy }) => duration(busy) },
              numberColumn('idle', ({ busy, idle }: (typeof times)[number]) =>
                busy + idle === 0 ? duration(idle) : `${duration(idle)} (${percent(idle / (busy + idle))})`,
              ),
            ]}
          />
        </>
      )}
      <p class="note">
        Idle: between its first and last training, without the time in which the run was stopped (grey); it includes
        measurements of latency, for which trainings wait. A machine has as many workers as trained at the same time.
        {answer?.isWhole === false && ' Only the latest trainings are shown.'}
      </p>
    </section>
  );
}
