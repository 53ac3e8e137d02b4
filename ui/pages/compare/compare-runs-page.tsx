import { useLocation } from 'preact-iso';
import type { ReadableRun, RunId, RunsAnswer } from '../../../reports/page/api.js';
import { Alert } from '../../components/elements.js';
import { mostCompared, runAddress, runsAddress, runsIn } from '../../data/addresses.js';
import { titleOf } from '../../data/measures.js';
import { useAnswer, useAnswers, useRuns } from '../../data/use-answer.js';
import { AddField, Chosen, Offer } from './chosen.js';
import { ComparedRuns, ComparedSettings } from './compared-runs.js';
import { ComparedFrontiers, ComparedHypervolumes } from './run-charts.js';

/** Seconds until the comparison is refreshed while one of its runs is running. */
const age = 4;

const mostOffered = 50;

const isReadable = (entry: RunsAnswer['runs'][number]): entry is ReadableRun => !('problem' in entry);

interface ChoiceProps {
  readonly ids: readonly RunId[];
  readonly known: readonly ReadableRun[];
  readonly set: (ids: readonly RunId[]) => void;
}

/** The field that adds a run, and buttons for all of them where fewer than two are chosen. */
function AddRun({ ids, known, set }: ChoiceProps) {
  const others = known.filter(({ id }) => !ids.includes(id));
  const add = (id: string): string | null => {
    if (ids.includes(id)) return `${id} is already there.`;
    if (!known.some((run) => run.id === id)) return `There is no readable run ${id}.`;
    set([...ids, id]);
    return null;
  };
  const suggestions = others.map(({ id, run }) => ({
    value: id,
    label: id,
    text: `${run.name}, ${run.status}, ${run.counts.complete} trials`,
  }));
  return (
    <>
      <AddField
        label="Add run"
        hint="By the name of its folder."
        full={ids.length >= mostCompared}
        suggestions={suggestions}
        add={add}
      />
      {ids.length < 2 && others.length === 0 && (
        <p class="empty">There is nothing to compare: this folder has no other readable run.</p>
      )}
      {ids.length < 2 && others.length > 0 && (
        <>
          <p>{ids.length === 0 ? 'Choose two to six runs with the same objectives.' : 'Choose at least one more.'}</p>
          <Offer label="Runs of this folder" suggestions={suggestions.slice(0, mostOffered)} add={add} />
        </>
      )}
    </>
  );
}

/** The objectives of a run: only runs with the same ones can be compared. */
const goalOf = ({ objectives, measures }: ReadableRun): string =>
  objectives.map(({ name, direction }) => `${titleOf(measures, name)} (${direction})`).join(', ');

/** Groups runs that cannot be compared by their objectives. */
function Incomparable({ ids, known, set }: ChoiceProps) {
  const goals = new Map<string, RunId[]>();
  for (const id of ids) {
    const run = known.find((entry) => entry.id === id);
    const goal = run === undefined ? 'its objectives cannot be read' : goalOf(run);
    goals.set(goal, [...(goals.get(goal) ?? []), id]);
  }
  if (goals.size < 2) return null;
  return (
    <>
      <p>Only runs with the same objectives can be compared. Of these:</p>
      <ul>
        {[...goals].map(([goal, alike]) => (
          <li key={goal}>
            {alike.join(', ')}: {goal}{' '}
            {alike.length > 1 && (
              <button type="button" onClick={() => set(alike)}>
                Compare only these
              </button>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

export default function CompareRunsPage() {
  const { query, route } = useLocation();
  const ids = runsIn(query['runs']);
  const listed = useRuns();
  const known = listed.answer?.runs.filter(isReadable) ?? [];
  const enough = ids.length >= 2;
  // The first requests wait for the list, whose statuses tell when to repeat them.
  const requested = enough && listed.answer !== null ? ids : [];
  const statuses = ids.map((wanted) => known.find(({ id }) => id === wanted)?.run.status ?? '').join();
  const { answer, problem } = useAnswer(
    requested.length === 0 ? null : { address: '/api/compare', parameters: {}, query: { runs: ids } },
    ({ runs }) => (runs.some(({ run }) => run.status === 'running') ? age : null),
    statuses,
  );
  const details = useAnswers(
    requested.map((run) => ({ address: '/api/runs/:run', parameters: { run } })),
    undefined,
    statuses,
  );
  const set = (chosen: readonly RunId[]) => route(runsAddress(chosen));
  const infos = details.flatMap((each) => (each.answer === null ? [] : [each.answer]));
  return (
    <>
      <section>
        <h1>Compare runs</h1>
        <Chosen items={ids} nameOf={(id) => id} linkOf={(id) => runAddress(id)} onChange={set} />
        {listed.answer !== null && <AddRun ids={ids} known={known} set={set} />}
        <Alert text={listed.problem} />
        <Alert text={problem} />
        {problem !== null && answer === null && <Incomparable ids={ids} known={known} set={set} />}
        {enough && answer === null && problem === null && <p role="status">Loading …</p>}
      </section>
      {answer !== null && (
        <>
          <ComparedFrontiers answer={answer} />
          <ComparedHypervolumes answer={answer} />
          <ComparedRuns answer={answer} infos={infos} />
          {infos.length === ids.length && <ComparedSettings infos={infos} />}
        </>
      )}
    </>
  );
}
