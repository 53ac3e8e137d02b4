import { useLocation } from 'preact-iso';
import type { TrialAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { trialsAddress, trialsIn, withQuery } from '../../data/addresses.js';
import { useAnswers, type Asked } from '../../data/use-answer.js';
import { AddTrial, FrontierOffer } from './add-trial.js';
import { Chosen } from './chosen.js';
import { ComparedCurves } from './compared-curves.js';
import { ComparedDecisions } from './compared-decisions.js';
import { ComparedLatencies } from './compared-latencies.js';
import { ComparedNetworks } from './compared-networks.js';
import { ComparedPrecisions } from './compared-precisions.js';
import { ComparedValues } from './compared-values.js';

/** Seconds after which a trial is asked for again: while it is evaluated, and while its run may still do more with it. */
const ages = { trial: 3, run: 15 };

const namedTrial = (number: number): string => `#${number}`;

/** Which of the trials are not there yet, and why. */
function Missing({
  numbers,
  asked,
}: {
  readonly numbers: readonly number[];
  readonly asked: readonly Asked<TrialAnswer>[];
}) {
  const problems = asked.flatMap(({ problem }, i) =>
    problem === null ? [] : [`${namedTrial(numbers[i])}: ${problem}`],
  );
  const loading = asked.some(({ answer, problem }) => answer === null && problem === null);
  return (
    <>
      {problems.map((problem) => (
        <p key={problem} class="banner" role="alert">
          {problem}
        </p>
      ))}
      {loading && <p role="status">Loading …</p>}
    </>
  );
}

/** Trials of a run beside each other. */
export default function CompareTrialsPage() {
  const { live, info } = useRun();
  const { path, query, route } = useLocation();
  const numbers = trialsIn(query['trials']);
  const asked = useAnswers(
    numbers.map((trial) => ({ address: '/api/runs/:run/trials/:trial', parameters: { run: live.id, trial } })),
    ({ trial: { state } }) => {
      if (state === 'running' || state === 'waiting') return ages.trial;
      return info.run.status === 'running' ? ages.run : null;
    },
    info.run.status,
  );
  const set = (chosen: readonly number[]) =>
    route(withQuery(path, { ...query, trials: chosen.length === 0 ? undefined : chosen.join(',') }));
  const add = (number: number) => set([...numbers, number]);
  const answers = asked.flatMap(({ answer }) => (answer === null ? [] : [answer]));
  const base = trialsAddress(live.id);
  return (
    <>
      <section>
        <div class="head">
          <h2>Compare trials</h2>
          <a href={base}>All trials</a>
        </div>
        <Chosen items={numbers} nameOf={namedTrial} linkOf={(number) => `${base}/${number}`} onChange={set} />
        <AddTrial numbers={numbers} add={add} />
        <Missing numbers={numbers} asked={asked} />
        {numbers.length < 2 && <FrontierOffer numbers={numbers} set={set} />}
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
