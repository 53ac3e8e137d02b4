import { useMemo } from 'preact/hooks';
import { mainScores, scoreText } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type { RunAnswer, Training, TrialCurves } from '../../../experiments/page/api.js';
import { useQuery, useRun } from '../../app/hooks.js';
import { curvesOption, stagePanels, stages, type Curve, type CurvePanel } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { Table } from '../../components/table.js';
import { joinedCurve, trainingText } from '../../data/curves.js';
import type { LiveRun } from '../../data/live-run.js';
import { useAnswer } from '../../data/use-answer.js';

/** The most trials whose curves are drawn at once. */
const most = 20;

/** The curves of trials: fetched ones, extended by live epochs. */
function trialPanels(live: LiveRun, trials: readonly number[], known: readonly TrialCurves[]): readonly CurvePanel[] {
  const byNumber = new Map(known.map((curves) => [curves.number, curves]));
  return stagePanels((key) =>
    trials.map((trial) => ({
      label: `#${trial}`,
      key: trial,
      points: joinedCurve(byNumber.get(trial)?.[key] ?? [], live.curveOf({ stage: stages[key].stage, trial })),
    })),
  );
}

/** The curves of the teacher, the supernet and shrunk networks. */
function otherPanel(live: LiveRun, trainings: readonly Training[], { supernet }: RunAnswer): readonly CurvePanel[] {
  const curves = trainings
    .map((training): Curve => {
      const known = training.stage === 'supernet' ? (supernet?.curve ?? []) : [];
      return { label: trainingText(training), points: joinedCurve(known, live.curveOf(training)) };
    })
    .filter(({ points }) => points.length > 0);
  return curves.length === 0 ? [] : [{ title: 'epoch', curves }];
}

const curveTable = (task: TaskType, shown: readonly CurvePanel[]) => (
  <Table
    label="Learning curves"
    rows={shown.flatMap(({ title, curves }) =>
      curves.flatMap(({ label, points }) => points.map((point) => ({ label, title, ...point }))),
    )}
    columns={[
      { title: 'network', heading: true, cell: ({ label }) => label },
      { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
      { title: 'stage', cell: ({ title }) => title },
      {
        title: `validation ${mainScores[task].title}`,
        numeric: true,
        cell: ({ validationAccuracy }) => scoreText(task, validationAccuracy),
      },
    ]}
  />
);

/** Live learning curves of the current trainings, or those of the frontier's networks. */
export function CurvesCard() {
  const { live, info } = useRun();
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const now = live.now.value.flatMap((activity) => (activity.kind === 'training' ? [activity.training] : []));
  const ofFrontier = query['curves'] === 'frontier' || (query['curves'] !== 'now' && info.run.status !== 'running');
  const members = [...new Set(live.frontier.value.map(({ number }) => number))];
  const wanted = ofFrontier ? members : now.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  const trials = wanted.slice(0, most).sort((a, b) => a - b);
  const { answer, problem } = useAnswer(
    trials.length === 0 ? null : { address: '/api/runs/:run/curves', parameters: { run: live.id }, query: { trials } },
  );
  const names = `${trials.join()} ${now.map((training) => trainingText(training)).join()}`;
  const shown = useMemo(() => {
    const others = ofFrontier ? [] : now.filter(({ trial }) => trial === undefined);
    return [...trialPanels(live, trials, answer ?? []), ...otherPanel(live, others, info)];
  }, [answer, live.curves.version.value, names, ofFrontier, live]);
  const { task } = info.run;
  const option = useMemo(() => curvesOption({ panels: shown, task, theme }), [shown, theme]);
  return (
    <section>
      <div class="head">
        <h2>Learning curves</h2>
        <Select
          label="of"
          value={ofFrontier ? 'frontier' : 'now'}
          options={[
            ['now', 'current trainings'],
            ['frontier', 'the frontier'],
          ]}
          onChange={(value) => change({ curves: value })}
        />
      </div>
      {problem !== null && <p class="banner">{problem}</p>}
      {shown.length === 0 ? (
        <p class="empty">{ofFrontier ? 'No network of the frontier has a curve.' : 'No epoch has ended yet.'}</p>
      ) : (
        <Chart
          option={option}
          height={300}
          label={`Validation ${mainScores[task].title} over epochs of ${ofFrontier ? 'the frontier' : 'the current trainings'}`}
          table={() => curveTable(task, shown)}
        />
      )}
      {ofFrontier && wanted.length > most && (
        <p class="note">
          {most} of {wanted.length} networks; the page of each trial has its curves.
        </p>
      )}
    </section>
  );
}
