import { percent } from '../../../base/number-text.js';
import type { Importance, ImportanceAnswer } from '../../../experiments/page/api.js';
import { useRun } from '../../app/hooks.js';
import { importanceHeight, importanceOption, mattering, shareOf } from '../../charts/importance.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { titleOf } from '../../data/measures.js';
import { type Asked, useAnswer } from '../../data/use-answer.js';
import { ByChoice } from './by-choice.js';
import { decisionOrder, useCompleteTrials } from './complete-trials.js';
import { ParallelTrials } from './parallel-section.js';

/** Decisions that are drawn; the table has them all. */
const drawn = 16;

/** Below this, what a forest says of trials that it has not seen is little better than their mean. */
const leastFit = 0.3;

/** How much the shares of each objective are to be believed. */
function Fits({ importances }: { readonly importances: readonly Importance[] }) {
  const { info } = useRun();
  const weak = importances.filter(({ fit }) => fit < leastFit);
  const nameOf = ({ objective }: Importance) => titleOf(info.measures, objective);
  return (
    <>
      <p class="note">
        How well the forest predicts trials that it has not seen (R²; 1 is perfectly, 0 not at all):{' '}
        {importances.map((importance) => `${nameOf(importance)} ${importance.fit.toFixed(2)}`).join(', ')}.
      </p>
      {weak.length > 0 && (
        <p class="banner">
          For {weak.map(nameOf).join(' and ')}, shares say little: below {leastFit} the forest has learned too little
          from these trials.
        </p>
      )}
    </>
  );
}

function Pictured({ importances }: { readonly importances: readonly Importance[] }) {
  const theme = useChartTheme();
  const { info } = useRun();
  const all = mattering(importances);
  const input = { objectives: importances, measures: info.measures, theme, most: drawn };
  const titles = importances.map(({ objective }) => titleOf(info.measures, objective));
  return (
    <>
      <Chart
        label={`How much each decision matters for ${titles.join(' and for ')}`}
        height={importanceHeight(input)}
        option={importanceOption(input)}
        table={() => (
          <Table
            label="Importance of decisions"
            columns={[
              { title: 'decision', heading: true, cell: (decision: string) => decision },
              ...importances.map((importance, i) => ({
                title: titles[i],
                numeric: true,
                cell: (decision: string) => percent(shareOf(importance, decision)),
              })),
            ]}
            rows={all}
          />
        )}
      />
      {all.length > drawn && (
        <p class="note">
          The {drawn} of {all.length} decisions that matter most; the table has them all.
        </p>
      )}
    </>
  );
}

/** How much each decision matters for each objective, and how that is known. */
export function Importances({ asked: { answer, problem } }: { readonly asked: Asked<ImportanceAnswer> }) {
  return (
    <section>
      <h2>What matters</h2>
      {problem !== null && (
        <p class="banner" role="alert">
          {problem}
        </p>
      )}
      {answer === null && problem === null && <p role="status">Importances are being found …</p>}
      {answer !== null && answer.objectives === null && (
        <p class="empty">
          There are too few complete trials ({answer.trials}) to tell what matters. What they chose and reached is
          below.
        </p>
      )}
      {answer !== null && answer.objectives !== null && (
        <>
          <Pictured importances={answer.objectives} />
          <Fits importances={answer.objectives} />
          <p class="note">
            From {answer.trials.toLocaleString('en-US')} complete trials, by {answer.method}. What is missing to 100 %
            is due to several decisions together, and noise.
          </p>
        </>
      )}
    </section>
  );
}

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
