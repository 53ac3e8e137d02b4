import { useLocation } from 'preact-iso';
import type { ReadableRun, RunId, RunsAnswer } from '../../../experiments/page/api.js';
import { mostCompared, runAddress, runsAddress, runsIn } from '../../data/addresses.js';
import { useAnswer, useAnswers, useRuns } from '../../data/use-answer.js';
import { AddField, Chosen } from './chosen.js';
import { ComparedFrontiers } from './compared-frontiers.js';
import { ComparedHypervolumes } from './compared-hypervolumes.js';
import { ComparedRuns } from './compared-runs.js';
import { ComparedSettings } from './compared-settings.js';
import { Unlike } from './unlike.js';

/** Seconds after which runs are compared anew while one of them is running. */
const age = 4;

const isReadable = (entry: RunsAnswer['runs'][number]): entry is ReadableRun => !('problem' in entry);

interface ChoiceProps {
  readonly ids: readonly RunId[];
  readonly known: readonly ReadableRun[];
  readonly set: (ids: readonly RunId[]) => void;
}

/** The runs that can be added. */
function AddRun({ ids, known, set }: ChoiceProps) {
  const take = (id: string): string | null => {
    if (ids.includes(id)) return `${id} is there already.`;
    if (!known.some((run) => run.id === id)) return `There is no run ${id} that can be read.`;
    set([...ids, id]);
    return null;
  };
  return (
    <AddField
      label="Add run"
      hint="By the name of its folder."
      full={ids.length >= mostCompared}
      suggestions={known
        .filter(({ id }) => !ids.includes(id))
        .map(({ id, run }) => ({ value: id, text: `${id}: ${run.name}, ${run.status}` }))}
      add={take}
    />
  );
}

/** What can be compared, where fewer than two runs are chosen. */
function Offer({ ids, known, set }: ChoiceProps) {
  const others = known.filter(({ id }) => !ids.includes(id));
  if (others.length === 0)
    return <p class="empty">There is nothing to compare: this folder has no other run that can be read.</p>;
  return (
    <>
      <p>{ids.length === 0 ? 'Choose two to six runs with the same objectives.' : 'Choose at least one more.'}</p>
      <ul class="compare-offer" aria-label="Runs of this folder">
        {others.slice(0, 50).map(({ id, run }) => (
          <li key={id}>
            <button type="button" aria-label={`Add ${id}`} onClick={() => set([...ids, id])}>
              + {id}
            </button>{' '}
            {run.name}, {run.status}, {run.counts.complete} trials
          </li>
        ))}
      </ul>
    </>
  );
}

/** Runs over each other: their frontiers, how they got there, and what they were told to do. */
export default function CompareRunsPage() {
  const { query, route } = useLocation();
  const ids = runsIn(query['runs']);
  const listed = useRuns();
  const known = listed.answer?.runs.filter(isReadable) ?? [];
  const enough = ids.length >= 2;
  const statusOf = (wanted: RunId) => known.find(({ id }) => id === wanted)?.run.status ?? '';
  const moment = listed.answer === null ? null : ids.map(statusOf).join();
  const compared = useAnswer(
    enough ? { address: '/api/compare', parameters: {}, query: { runs: ids } } : null,
    ({ runs }) => (runs.some(({ run }) => run.status === 'running') ? age : null),
    moment,
  );
  const details = useAnswers(
    enough ? ids.map((run) => ({ address: '/api/runs/:run', parameters: { run } })) : [],
    undefined,
    moment,
  );
  const set = (chosen: readonly RunId[]) => route(runsAddress(chosen));
  const { answer, problem } = compared;
  const infos = details.flatMap((asked) => (asked.answer === null ? [] : [asked.answer]));
  return (
    <>
      <section>
        <h1>Compare runs</h1>
        <Chosen items={ids} nameOf={(id) => id} linkOf={(id) => runAddress(id)} onChange={set} />
        {listed.answer !== null && <AddRun ids={ids} known={known} set={set} />}
        {listed.problem !== null && (
          <p class="banner" role="alert">
            {listed.problem}
          </p>
        )}
        {problem !== null && (
          <p class="banner" role="alert">
            {problem}
          </p>
        )}
        {problem !== null && answer === null && <Unlike ids={ids} known={known} set={set} />}
        {enough && answer === null && problem === null && <p role="status">Loading …</p>}
        {!enough && listed.answer !== null && <Offer ids={ids} known={known} set={set} />}
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
