import { useLocation } from 'preact-iso';
import { evenly } from '../../../base/statistics.js';
import type { CandidateKey } from '../../../reports/page/api.js';
import { useRun } from '../../data/hooks.js';
import { Alert } from '../../components/elements.js';
import { mostCompared, trialAddress, trialsAddress, trialsIn, withQuery } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import { useAnswers } from '../../data/use-answer.js';
import { AddField, Chosen, Offer, type Suggestion } from './chosen.js';
import { ComparedCurves, ComparedLatencies } from './compared-charts.js';
import { ComparedDecisions, ComparedNetworks, ComparedPrecisions, ComparedValues } from './compared-trials.js';

/** Seconds until a trial is refreshed: one that is evaluated, and one of a run that may still train or measure it. */
const ages = { trial: 3, run: 15 };

function useFrontier(): readonly Suggestion[] {
  const { live, info } = useRun();
  // Subscribes to changes of the columns.
  if (live.version.value === 0) return [];
  const textsOf = (key: CandidateKey): string => {
    const row = live.candidates.rowOf(key);
    return info.objectives
      .map(({ name }) => {
        const value = row === undefined ? null : live.candidates.values.get(name)?.[row];
        return `${titleOf(info.measures, name)} ${textOf(info.measures, name, value)}`;
      })
      .join(', ');
  };
  const once = new Map(live.frontier.value.map((key) => [String(key.number), key]));
  return [...once].map(([value, key]) => ({ value, label: `#${value}`, text: textsOf(key) }));
}

interface FrontierOfferProps {
  readonly numbers: readonly number[];
  readonly frontier: readonly Suggestion[];
  readonly set: (numbers: readonly number[]) => void;
}

/** Offers the trials of the frontier where too few are chosen. */
function FrontierOffer({ numbers, frontier, set }: FrontierOfferProps) {
  if (frontier.length === 0)
    return (
      <p class="empty">Name two to six trials. The trials of the frontier appear here as soon as there are any.</p>
    );
  const few = evenly(frontier, 3).map(({ value }) => Number(value));
  return (
    <>
      <p>
        {numbers.length === 0 ? 'Choose two to six trials' : 'Choose at least one more'}, here from the frontier or on
        the trials page.{' '}
        {few.length > 1 && (
          <button type="button" class="primary" onClick={() => set(few)}>
            Compare {few.map((number) => `#${number}`).join(', ')}
          </button>
        )}
      </p>
      <Offer
        label="Members of the frontier"
        suggestions={frontier.filter(({ value }) => !numbers.includes(Number(value)))}
        add={(value) => set([...numbers, Number(value)])}
      />
    </>
  );
}

export default function CompareTrialsPage() {
  const { live, info } = useRun();
  const { path, query, route } = useLocation();
  const numbers = trialsIn(query['trials']);
  const loaded = useAnswers(
    numbers.map((trial) => ({ address: '/api/runs/:run/trials/:trial', parameters: { run: live.id, trial } })),
    ({ trial: { state } }) => {
      if (state === 'running' || state === 'waiting') return ages.trial;
      return info.run.status === 'running' ? ages.run : null;
    },
    info.run.status,
  );
  const frontier = useFrontier();
  const { total } = live.loaded.value;
  const set = (chosen: readonly number[]) =>
    route(withQuery(path, { ...query, trials: chosen.length === 0 ? undefined : chosen.join(',') }));
  const add = (text: string): string | null => {
    const number = /^#?(\d+)$/.exec(text)?.[1];
    if (number === undefined) return 'Enter the number of a trial: 12.';
    if (numbers.includes(Number(number))) return `#${number} is already there.`;
    if (Number(number) >= total) return `There is no trial ${number}: the last one is ${total - 1}.`;
    set([...numbers, Number(number)]);
    return null;
  };
  const answers = loaded.flatMap(({ answer }) => (answer === null ? [] : [answer]));
  return (
    <>
      <section>
        <div class="head">
          <h2>Compare trials</h2>
          <a href={trialsAddress(live.id)}>All trials</a>
        </div>
        <Chosen
          items={numbers}
          nameOf={(number) => `#${number}`}
          linkOf={(number) => trialAddress(live.id, number)}
          onChange={set}
        />
        <AddField
          label="Add trial"
          hint="By number; members of the frontier are suggested."
          full={numbers.length >= mostCompared}
          suggestions={frontier.filter(({ value }) => !numbers.includes(Number(value)))}
          add={add}
        />
        {loaded.map(({ problem }, i) => (
          <Alert key={numbers[i]} text={problem === null ? null : `#${numbers[i]}: ${problem}`} />
        ))}
        {loaded.some(({ answer, problem }) => answer === null && problem === null) && <p role="status">Loading …</p>}
        {numbers.length < 2 && <FrontierOffer numbers={numbers} frontier={frontier} set={set} />}
      </section>
      {answers.length > 0 && (
        <>
          <ComparedValues answers={answers} />
          <ComparedDecisions answers={answers} />
          <ComparedNetworks answers={answers} />
          <ComparedCurves answers={answers} />
          <ComparedLatencies answers={answers} />
          <ComparedPrecisions answers={answers} />
        </>
      )}
    </>
  );
}
