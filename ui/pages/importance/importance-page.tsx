import { useMemo } from 'preact/hooks';
import { percent } from '../../../base/number-text.js';
import type { Importance, ImportanceAnswer } from '../../../reports/page/api.js';
import { useAddressFilter } from '../../components/filtered.js';
import { useRun, useRunAnswer } from '../../data/hooks.js';
import { importanceHeight, importanceOption, mostImportant, shareOf } from '../../charts/importance.js';
import { AddressFilter } from '../../components/address-filter.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Alert } from '../../components/elements.js';
import { numberColumn, Table } from '../../components/table.js';
import { titleOf } from '../../data/measures.js';
import type { Loaded } from '../../data/use-answer.js';
import { ByChoice } from './by-choice.js';
import { decisionOrder, useCompleteTrials } from './complete-trials.js';
import { Pairs } from './pairs-section.js';

/** The most decisions in the chart; the table has all. */
const most = 16;

/** Below this fit (R²), the forest predicts unseen trials little better than their mean. */
const leastFit = 0.3;

function Fits({ importances }: { readonly importances: readonly Importance[] }) {
  const { info } = useRun();
  const weak = importances.filter(({ fit }) => fit < leastFit);
  const nameOf = ({ objective }: Importance) => titleOf(info.measures, objective);
  return (
    <>
      <p class="note">
        How well the forest predicts unseen trials (R²; 1 is perfect, 0 is useless):{' '}
        {importances.map((importance) => `${nameOf(importance)} ${importance.fit.toFixed(2)}`).join(', ')}.
      </p>
      {weak.length > 0 && (
        <p class="banner">
          The shares for {weak.map(nameOf).join(' and ')} are unreliable: the fit of the forest is below {leastFit}.
        </p>
      )}
    </>
  );
}

function ImportanceChart({ importances }: { readonly importances: readonly Importance[] }) {
  const theme = useChartTheme();
  const { info } = useRun();
  const all = mostImportant(importances);
  const input = { objectives: importances, measures: info.measures, theme, most };
  const titles = importances.map(({ objective }) => titleOf(info.measures, objective));
  return (
    <>
      <Chart
        label={`Importance of each decision for ${titles.join(' and for ')}`}
        height={importanceHeight(input)}
        option={importanceOption(input)}
        table={() => (
          <Table
            label="Importance of decisions"
            columns={[
              { title: 'decision', heading: true, cell: (decision: string) => decision },
              ...importances.map((importance, i) =>
                numberColumn(titles[i], (decision: string) => percent(shareOf(importance, decision))),
              ),
            ]}
            rows={all}
          />
        )}
      />
      {all.length > most && (
        <p class="note">
          The {most} most important of {all.length} decisions; the table has all.
        </p>
      )}
    </>
  );
}

function Importances({ answer, problem }: Loaded<ImportanceAnswer>) {
  return (
    <section>
      <h2>Parameter importance</h2>
      <Alert text={problem} />
      {answer === null && problem === null && <p role="status">Computing importances …</p>}
      {answer !== null && answer.objectives === null && (
        <p class="empty">
          Importances need {answer.needed} complete trials; there are {answer.trials}. Their choices and values are
          below.
        </p>
      )}
      {answer !== null && answer.objectives !== null && (
        <>
          <ImportanceChart importances={answer.objectives} />
          <Fits importances={answer.objectives} />
          <p class="note">
            From {answer.trials.toLocaleString('en-US')} complete trials, by {answer.method}. The rest to 100 % is due
            to interactions of decisions, and noise.
          </p>
        </>
      )}
    </section>
  );
}

const none: readonly Importance[] = [];

/** Seconds until the importances of a running search are refreshed: the server fits a forest for each answer. */
const age = 60;

/** The charts of trials, and their filter. */
function FilteredTrials({ importances }: { readonly importances: readonly Importance[] }) {
  const filtered = useAddressFilter();
  const { fields, test } = filtered;
  const trials = useCompleteTrials();
  const shown = useMemo(() => (test === null ? trials : { ...trials, rows: trials.rows.filter(test) }), [trials, test]);
  const decisions = useMemo(() => decisionOrder(trials, importances), [trials, importances]);
  return (
    <>
      <section>
        <h2>Trials by their decisions</h2>
        <AddressFilter filtered={filtered}>
          The charts below show {shown.rows.length.toLocaleString('en-US')} of{' '}
          {trials.rows.length.toLocaleString('en-US')} complete trials; the importances above rest on all of them.
        </AddressFilter>
      </section>
      <Pairs trials={shown} decisions={decisions} fields={fields} />
      <ByChoice trials={shown} decisions={decisions} />
    </>
  );
}

export default function ImportancePage() {
  const loaded = useRunAnswer('/api/runs/:run/importance', age);
  return (
    <>
      <Importances {...loaded} />
      <FilteredTrials importances={loaded.answer?.objectives ?? none} />
    </>
  );
}
