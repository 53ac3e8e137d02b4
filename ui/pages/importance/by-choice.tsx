import { useLocation } from 'preact-iso';
import { useMemo } from 'preact/hooks';
import { useRun } from '../../app/hooks.js';
import { choicesOption } from '../../charts/choices.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Table } from '../../components/table.js';
import { trialAddress, withQuery } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';
import {
  choiceGroups,
  choiceName,
  choiceOf,
  valueOf,
  type ChoiceGroup,
  type CompleteTrials,
  type VaryingDecision,
} from './complete-trials.js';

function GroupTable({ groups, objective }: { readonly groups: readonly ChoiceGroup[]; readonly objective: string }) {
  const { info } = useRun();
  const text = (of: (group: ChoiceGroup) => number) => (group: ChoiceGroup) =>
    textOf(info.measures, objective, of(group));
  return (
    <Table
      label={`${titleOf(info.measures, objective)} by choice`}
      columns={[
        { title: 'choice', heading: true, cell: ({ choice }) => choiceName(choice) },
        { title: 'trials', numeric: true, cell: ({ count }) => count },
        { title: 'least', numeric: true, cell: text(({ least }) => least) },
        { title: '25 %', numeric: true, cell: text(({ lower }) => lower) },
        { title: 'median', numeric: true, cell: text(({ median }) => median) },
        { title: '75 %', numeric: true, cell: text(({ upper }) => upper) },
        { title: 'greatest', numeric: true, cell: text(({ greatest }) => greatest) },
      ]}
      rows={groups}
    />
  );
}

interface StripsProps {
  readonly trials: CompleteTrials;
  readonly decision: string;
  readonly objective: string;
}

/** An objective by the choices of a decision. */
function Strips({ trials, decision, objective }: StripsProps) {
  const { live, info } = useRun();
  const { route } = useLocation();
  const theme = useChartTheme();
  const groups = useMemo(() => {
    const values = trials.rows.flatMap((row) => {
      const value = valueOf(trials, objective, row);
      const number = trials.candidates.number[row];
      return value === null ? [] : [{ choice: choiceOf(trials, decision, row), value, number }];
    });
    return choiceGroups(values);
  }, [trials, decision, objective]);
  const option = useMemo(() => {
    const drawn = groups.map(({ choice, members }) => ({
      choice: choiceName(choice),
      values: members.map(({ value, number }) => ({
        value,
        key: number,
        label: `#${number}`,
        onFrontier: trials.frontier.has(number),
      })),
    }));
    return choicesOption({ groups: drawn, decision, measure: objective, measures: info.measures, theme });
  }, [groups, theme, info.measures, trials.frontier]);
  const title = titleOf(info.measures, objective);
  if (groups.length === 0) return null;
  return (
    <div>
      <h3>{title}</h3>
      <Chart
        label={`${title} of trials by ${decision}: ${groups.map((group) => `${choiceName(group.choice)} median ${textOf(info.measures, objective, group.median)}`).join(', ')}`}
        height={360}
        option={option}
        onPoint={(number) => typeof number === 'number' && route(trialAddress(live.id, number))}
        table={() => <GroupTable groups={groups} objective={objective} />}
      />
    </div>
  );
}

/** What trials reached with each choice of a decision. */
export function ByChoice({
  trials,
  decisions,
}: {
  readonly trials: CompleteTrials;
  readonly decisions: readonly VaryingDecision[];
}) {
  const { info } = useRun();
  const { path, query, route } = useLocation();
  const chosen = (decisions.find(({ name }) => name === query['decision']) ?? decisions.at(0))?.name;
  if (chosen === undefined)
    return (
      <section>
        <h2>By choice</h2>
        <p class="empty">There are no complete trials yet that chose differently.</p>
      </section>
    );
  return (
    <section>
      <h2>By choice</h2>
      <div class="toolbar">
        <label>
          Decision
          <select
            value={chosen}
            onChange={({ currentTarget: { value } }) => route(withQuery(path, { ...query, decision: value }), true)}
          >
            {decisions.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="side-charts">
        {info.objectives.map(({ name }) => (
          <Strips key={name} trials={trials} decision={chosen} objective={name} />
        ))}
      </div>
      <p class="note">
        A mark is a trial, a diamond one on the frontier; a box goes from the 25th to the 75th percentile, with a line
        at the median, and n is the number of trials. Of many, some are marks; boxes are of all. A search does not try
        choices evenly: where few trials stand, medians say little.
      </p>
    </section>
  );
}
