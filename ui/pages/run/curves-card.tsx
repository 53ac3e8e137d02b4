import { useMemo } from 'preact/hooks';
import { percent } from '../../../base/number-text.js';
import type { RunAnswer, Training, TrialCurves } from '../../../experiments/page/api.js';
import { useQuery, useRun } from '../../app/hooks.js';
import { curvesOption, type Curve, type CurvePanel } from '../../charts/curves.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import type { LiveRun } from '../../data/live-run.js';
import { joinedCurve, trainingText } from '../../data/curves.js';
import { useAnswer } from '../../data/use-answer.js';

/** Trials whose curves are drawn at once: more are no picture. */
const most = 20;

const panels = [
  { key: 'search', stage: 'search', title: 'epoch of the search' },
  { key: 'final', stage: 'final', title: 'epoch of the final training' },
  { key: 'quantizeAware', stage: 'quantize-aware', title: 'epoch of the fine-tuning in 8 bits' },
] as const;

/** Curves of trials, with what was told since they were fetched. */
function trialPanels(live: LiveRun, trials: readonly number[], known: readonly TrialCurves[]): readonly CurvePanel[] {
  const byNumber = new Map(known.map((curves) => [curves.number, curves]));
  return panels
    .map(({ key, stage, title }) => ({
      title,
      curves: trials
        .map((trial) => ({
          label: `#${trial}`,
          key: trial,
          points: joinedCurve(byNumber.get(trial)?.[key] ?? [], live.curveOf({ stage, trial })),
        }))
        .filter(({ points }) => points.length > 0),
    }))
    .filter(({ curves }) => curves.length > 0);
}

/** Curves of what is no trial: the teacher, the supernet, shrunk networks. */
function otherPanel(live: LiveRun, trainings: readonly Training[], { supernet }: RunAnswer): readonly CurvePanel[] {
  const curves = trainings
    .map((training): Curve => {
      const known = training.stage === 'supernet' ? (supernet?.curve ?? []) : [];
      return { label: trainingText(training), points: joinedCurve(known, live.curveOf(training)) };
    })
    .filter(({ points }) => points.length > 0);
  return curves.length === 0 ? [] : [{ title: 'epoch', curves }];
}

const curveTable = (shown: readonly CurvePanel[]) => (
  <Table
    label="Learning curves"
    rows={shown.flatMap(({ title, curves }) =>
      curves.flatMap(({ label, points }) => points.map((point) => ({ label, title, ...point }))),
    )}
    columns={[
      { title: 'of', heading: true, cell: ({ label }) => label },
      { title: 'epoch', numeric: true, cell: ({ epoch }) => epoch + 1 },
      { title: 'what it is', cell: ({ title }) => title },
      { title: 'validation accuracy', numeric: true, cell: ({ validationAccuracy }) => percent(validationAccuracy) },
    ]}
  />
);

/** Learning curves, as they grow: of what trains now, or of the networks of the frontier. */
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
  const version = live.curves.version.value;
  const names = `${trials.join()} ${now.map((training) => trainingText(training)).join()}`;
  const shown = useMemo(
    () => [
      ...trialPanels(live, trials, answer ?? []),
      ...(ofFrontier
        ? []
        : otherPanel(
            live,
            now.filter(({ trial }) => trial === undefined),
            info,
          )),
    ],
    [answer, version, names, ofFrontier, live],
  );
  const option = useMemo(() => curvesOption({ panels: shown, theme }), [shown, theme]);
  return (
    <section>
      <div class="head">
        <h2>Learning curves</h2>
        <label>
          of{' '}
          <select
            value={ofFrontier ? 'frontier' : 'now'}
            onChange={({ currentTarget: { value } }) => change({ curves: value })}
          >
            <option value="now">what trains now</option>
            <option value="frontier">the frontier</option>
          </select>
        </label>
      </div>
      {problem !== null && <p class="banner">{problem}</p>}
      {shown.length === 0 ? (
        <p class="empty">
          {ofFrontier ? 'No network of the frontier has a curve.' : 'Nothing has an epoch behind it.'}
        </p>
      ) : (
        <Chart
          option={option}
          height={300}
          label={`Validation accuracy over epochs of ${ofFrontier ? 'the frontier' : 'what trains now'}`}
          table={() => curveTable(shown)}
        />
      )}
      {ofFrontier && wanted.length > most && (
        <p class="note">
          Those of {most} of the {wanted.length} networks; each trial&apos;s own page has its curves.
        </p>
      )}
    </section>
  );
}
