import { useMemo } from 'preact/hooks';
import { useOpenTrial, useQuery, useRun } from '../../data/hooks.js';
import { choicesOption } from '../../charts/choices.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { numberColumn, Table } from '../../components/table.js';
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
  const { measures } = useRun().info;
  const column = (title: string, name: 'least' | 'lower' | 'median' | 'upper' | 'greatest') =>
    numberColumn(title, (group: ChoiceGroup) => textOf(measures, objective, group[name]));
  return (
    <Table
      label={`${titleOf(measures, objective)} by choice`}
      columns={[
        { title: 'choice', heading: true, cell: ({ choice }) => choiceName(choice) },
        { title: 'trials', numeric: true, cell: ({ count }) => count },
        column('least', 'least'),
        column('25 %', 'lower'),
        column('median', 'median'),
        column('75 %', 'upper'),
        column('greatest', 'greatest'),
      ]}
      rows={groups}
    />
  );
}

interface ObjectiveProps {
  readonly trials: CompleteTrials;
  readonly decision: string;
  readonly objective: string;
}

function ObjectiveByChoice({ trials, decision, objective }: ObjectiveProps) {
  const { measures } = useRun().info;
  const open = useOpenTrial();
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
        key: { number },
        label: `#${number}`,
        onFrontier: trials.frontier.has(number),
      })),
    }));
    return choicesOption({ groups: drawn, decision, measure: objective, measures, theme });
  }, [groups, theme, measures, trials.frontier]);
  const title = titleOf(measures, objective);
  if (groups.length === 0) return null;
  const medians = groups.map(
    ({ choice, median }) => `${choiceName(choice)} median ${textOf(measures, objective, median)}`,
  );
  return (
    <div>
      <h3>{title}</h3>
      <Chart
        label={`${title} of trials by ${decision}: ${medians.join(', ')}`}
        height={360}
        option={option}
        onPoint={open}
        table={() => <GroupTable groups={groups} objective={objective} />}
      />
    </div>
  );
}

type ByChoiceProps = Pick<ObjectiveProps, 'trials'> & { readonly decisions: readonly VaryingDecision[] };

export function ByChoice({ trials, decisions }: ByChoiceProps) {
  const { info } = useRun();
  const [query, change] = useQuery();
  const chosen = (decisions.find(({ name }) => name === query['decision']) ?? decisions.at(0))?.name;
  if (chosen === undefined)
    return (
      <section>
        <h2>By choice</h2>
        <p class="empty">There are no complete trials with different choices yet.</p>
      </section>
    );
  return (
    <section>
      <h2>By choice</h2>
      <div class="toolbar">
        <Select
          label="Decision"
          value={chosen}
          options={decisions.map(({ name }) => [name, name])}
          onChange={(decision) => change({ decision })}
        />
      </div>
      <div class="side-charts">
        {info.objectives.map(({ name }) => (
          <ObjectiveByChoice key={name} trials={trials} decision={chosen} objective={name} />
        ))}
      </div>
      <p class="note">
        A mark is a trial, a diamond is on the frontier; a box spans the 25th to the 75th percentile with a line at the
        median; n is the number of trials. Boxes count all trials, even if only some are drawn. A search does not try
        choices evenly: the median of few trials says little.
      </p>
    </section>
  );
}
