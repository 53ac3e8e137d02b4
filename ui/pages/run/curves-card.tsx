import { useMemo } from 'preact/hooks';
import type { RunAnswer, Training, TrialCurves } from '../../../reports/page/api.js';
import { useOpenTrial, useQuery, useRun } from '../../data/hooks.js';
import { stageKeys, type Curve } from '../../charts/curves.js';
import { Curves } from '../../components/curves.js';
import { Select } from '../../components/elements.js';
import { joinedCurve, trainingText } from '../../data/curves.js';
import type { LiveRun } from '../../data/live-run.js';
import type { Test } from '../../filter/compile.js';
import { useAnswers } from '../../data/use-answer.js';

/** The most trials of one request, and of the chart; of more, the newest are drawn. */
const [most, mostOfAll] = [500, 1000];
/** The most networks of the frontier. */
const mostMembers = 20;

const views = { now: 'current trainings', frontier: 'the frontier', all: 'all trials' } as const;
type View = keyof typeof views;
const isView = (name: string | undefined): name is View => name !== undefined && Object.hasOwn(views, name);

/** The curves of trials: fetched ones, extended by live epochs. */
function trialCurves(
  live: LiveRun,
  trials: readonly number[],
  known: readonly TrialCurves[],
  strong: ReadonlySet<number>,
): readonly Curve[] {
  const byNumber = new Map(known.map((curves) => [curves.number, curves]));
  return trials
    .flatMap((number) =>
      stageKeys.map((stage) => ({
        label: `#${number}`,
        stage,
        key: { number },
        strong: strong.has(number),
        points: joinedCurve(byNumber.get(number)?.[stage] ?? [], live.curveOf({ stage, trial: number })),
      })),
    )
    .filter(({ points }) => points.length > 0);
}

/** The curves of the teacher and the supernet. */
const otherCurves = (live: LiveRun, trainings: readonly Training[], { supernet }: RunAnswer): readonly Curve[] =>
  trainings
    .map((training): Curve => {
      const known = training.stage === 'supernet' ? (supernet?.curve ?? []) : [];
      const points = joinedCurve(known, live.curveOf(training));
      return { label: trainingText(training), stage: 'search', points };
    })
    .filter(({ points }) => points.length > 0);

const parts = (numbers: readonly number[]): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(numbers.length / most) }, (_, i) => numbers.slice(i * most, (i + 1) * most));

/** Learning curves of the current trainings (live), of the frontier or of all trials. The filter applies to the last two. */
export function CurvesCard({ test }: { readonly test: Test | null }) {
  const { live, info } = useRun();
  const open = useOpenTrial();
  const [query, change] = useQuery();
  const now = live.now.value.flatMap((activity) => (activity.kind === 'training' ? [activity.training] : []));
  const asked = query['curves'];
  const view: View = isView(asked) ? asked : info.run.status === 'running' ? 'now' : 'frontier';
  const { candidates } = live;
  const isKept = (row: number | undefined): boolean => test === null || (row !== undefined && test(row));
  const kept = live.frontier.value.filter((key) => isKept(candidates.rowOf(key)));
  const members = [...new Set(kept.map(({ number }) => number))];
  const wanted: { readonly [V in View]: () => readonly number[] } = {
    now: () => now.flatMap(({ trial }) => (trial === undefined ? [] : [trial])),
    frontier: () => members.slice(0, mostMembers),
    all: () =>
      live.version.value === 0
        ? []
        : [...new Set(candidates.number.filter((_, row) => candidates.chosen[row] && isKept(row)))].slice(-mostOfAll),
  };
  const trials = [...wanted[view]()].sort((a, b) => a - b);
  const loaded = useAnswers(
    parts(trials).map((part) => ({
      address: '/api/runs/:run/curves',
      parameters: { run: live.id },
      query: { trials: part },
    })),
  );
  const problem = loaded.find((each) => each.problem !== null)?.problem ?? null;
  const known = loaded.flatMap(({ answer }) => answer ?? []);
  const names = `${trials.join()} ${now.map((training) => trainingText(training)).join()} ${known.length}`;
  const curves = useMemo(() => {
    const others = view === 'now' ? now.filter(({ trial }) => trial === undefined) : [];
    return [...trialCurves(live, trials, known, new Set(members)), ...otherCurves(live, others, info)];
  }, [live.curves.version.value, names, view, live]);
  return (
    <section class="wide">
      <div class="head">
        <h2>Learning curves</h2>
        <Select
          label="of"
          value={view}
          options={Object.entries(views)}
          onChange={(value) => change({ curves: value })}
        />
      </div>
      {problem !== null && <p class="banner">{problem}</p>}
      {curves.length === 0 ? (
        <p class="empty">{view === 'now' ? 'No epoch has ended yet.' : 'No network has a curve.'}</p>
      ) : (
        <Curves task={info.run.task} curves={curves} of={views[view]} onPoint={open} />
      )}
      {view === 'frontier' && members.length > mostMembers && (
        <p class="note">
          {mostMembers} of {members.length} networks; the page of each trial has its curves.
        </p>
      )}
      {view === 'all' && (
        <p class="note">The newest {trials.length} trials; strong lines are on the frontier. A click opens a trial.</p>
      )}
    </section>
  );
}
