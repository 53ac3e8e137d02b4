import { useRun } from '../../app/current-run.js';
import { useAnswer } from '../../data/use-answer.js';
import { ByChoice } from './by-choice-section.js';
import { decisionOrder } from './decision-order.js';
import { Importances } from './importances.js';
import { ParallelTrials } from './parallel-section.js';
import { useCompleteTrials } from './use-complete-trials.js';

/** Seconds after which importances are asked for again while trials end: a forest is grown for each answer. */
const age = 60;

/** What matters: how much decisions explain, what was reached with each choice, and all of it at once. */
export default function ImportancePage() {
  const { live, info } = useRun();
  const { status } = info.run;
  const asked = useAnswer(
    { address: '/api/runs/:run/importance', parameters: { run: live.id } },
    () => (status === 'running' ? age : null),
    status,
  );
  const trials = useCompleteTrials();
  const decisions = decisionOrder(trials, asked.answer?.objectives ?? []);
  return (
    <>
      <Importances asked={asked} />
      <ByChoice trials={trials} decisions={decisions} />
      <ParallelTrials trials={trials} decisions={decisions} />
    </>
  );
}
