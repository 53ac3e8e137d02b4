import { useMemo } from 'preact/hooks';
import { counted } from '../../../base/text.js';
import { useQuery, useRun } from '../../data/hooks.js';
import {
  fewTrials,
  heatExtent,
  heatHeight,
  heatMapOption,
  heatText,
  heatValues,
  type HeatCell,
  type HeatMapInput,
  type HeatValue,
} from '../../charts/heat-map.js';
import { Chart, useChartTheme } from '../../components/chart.js';
import { Select } from '../../components/elements.js';
import { numberColumn, Table } from '../../components/table.js';
import { textOf, titleOf } from '../../data/measures.js';
import type { Field } from '../../data/fields.js';
import { withChoice } from '../../filter/with-choice.js';
import {
  choiceName,
  fieldOfDecision,
  heatCells,
  mostChoices,
  type CompleteTrials,
  type VaryingDecision,
} from './complete-trials.js';

const shownTexts: { readonly [V in HeatValue]: string } = {
  mean: 'mean',
  spread: 'standard deviation',
  trials: 'number of trials',
};

function CellTable({ input }: { readonly input: HeatMapInput }) {
  const { columns, rows, cells, measure, measures } = input;
  const number = (title: string, of: (cell: HeatCell) => number | null) =>
    numberColumn(title, (cell: HeatCell) => textOf(measures, measure, of(cell)));
  return (
    <Table
      label={`${titleOf(measures, measure)} by ${columns.name} and ${rows.name}`}
      columns={[
        { title: columns.name, heading: true, cell: ({ column }: HeatCell) => columns.choices[column] },
        { title: rows.name, cell: ({ row }) => rows.choices[row] },
        { title: 'trials', numeric: true, cell: ({ count }) => count },
        number('mean', ({ mean }) => mean),
        number('standard error', ({ error }) => error),
        number('standard deviation', ({ deviation }) => deviation),
        number('least', ({ least }) => least),
        number('greatest', ({ greatest }) => greatest),
      ]}
      rows={cells}
    />
  );
}

/** The sentences about what the cells rest on. */
function Notes({ input, total }: { readonly input: HeatMapInput; readonly total: number }) {
  const { cells, columns, rows } = input;
  const shown = cells.reduce((sum, { count }) => sum + count, 0);
  const few = cells.filter(({ count }) => count < fewTrials).length;
  const empty = columns.choices.length * rows.choices.length - cells.length;
  const extent = heatExtent(input);
  return (
    <>
      {few > cells.length / 2 && (
        <p class="banner">
          {few} of {cells.length} cells rest on fewer than {fewTrials} trials: their means say little.
        </p>
      )}
      <p class="note">
        {extent !== null &&
          `Colours are from ${heatText(input, extent[0])} (pale) to ${heatText(input, extent[1])} (strong). `}
        ± is the standard error of the mean over the trials of a cell, n their number.
        {few > 0 && ` A dashed border: fewer than ${fewTrials} trials (${counted(few, 'cell')}).`}
        {empty > 0 && ` ${empty} of ${columns.choices.length * rows.choices.length} pairs were not tried.`} The trials
        of a cell differ in all other decisions, which a search does not try evenly. Click a cell to filter by its
        choices.
        {shown < total &&
          ` ${total - shown} trials have other choices (the first ${mostChoices} are shown) or no value.`}
      </p>
    </>
  );
}

interface PairsProps {
  readonly trials: CompleteTrials;
  readonly decisions: readonly VaryingDecision[];
  readonly fields: readonly Field[];
}

/** Two decisions against an objective. */
export function Pairs({ trials, decisions, fields }: PairsProps) {
  const { objectives, measures } = useRun().info;
  const [query, change] = useQuery();
  const theme = useChartTheme();
  const named = (name: string | undefined, others: readonly VaryingDecision[]): VaryingDecision | undefined =>
    others.find((decision) => decision.name === name) ?? others.at(0);
  const columns = named(query['across'], decisions);
  const others = decisions.filter(({ name }) => name !== columns?.name);
  const rows = named(query['down'], others);
  const measure = (objectives.find(({ name }) => name === query['of']) ?? objectives[0]).name;
  const shows = Object.keys(heatValues).find((name): name is HeatValue => name === query['colour']) ?? 'mean';
  const cells = useMemo(
    () => (columns === undefined || rows === undefined ? [] : heatCells(trials, columns, rows, measure)),
    [trials, columns?.name, rows?.name, measure],
  );
  const input = useMemo((): HeatMapInput | null => {
    if (columns === undefined || rows === undefined) return null;
    const axis = ({ name, choices }: VaryingDecision) => ({
      name,
      choices: choices.slice(0, mostChoices).map(choiceName),
    });
    return { columns: axis(columns), rows: axis(rows), cells, measure, shows, measures, theme };
  }, [cells, columns?.name, rows?.name, shows, measures, theme]);
  const option = useMemo(() => (input === null ? null : heatMapOption(input)), [input]);
  if (columns === undefined || rows === undefined || input === null || option === null) return null;
  const keep = (key: unknown): void => {
    const { column, row } = key as HeatCell;
    const kept = (text: string, { name, choices }: VaryingDecision, i: number): string => {
      const field = fieldOfDecision(fields, name);
      return field === undefined ? text : withChoice(text, field, choices[i]);
    };
    change({ filter: kept(kept(query['filter'] ?? '', columns, column), rows, row) });
  };
  const names = (some: readonly VaryingDecision[]) => some.map(({ name }) => [name, name] as const);
  const titles = objectives.map(({ name }) => [name, titleOf(measures, name)] as const);
  const selects = [
    ['Across', 'across', columns.name, names(decisions)],
    ['Down', 'down', rows.name, names(others)],
    ['Objective', 'of', measure, titles],
    ['Colour', 'colour', shows, Object.entries(shownTexts)],
  ] as const;
  return (
    <section>
      <h2>Two decisions</h2>
      <div class="toolbar">
        {selects.map(([label, key, value, options]) => (
          <Select key={key} label={label} value={value} options={options} onChange={(to) => change({ [key]: to })} />
        ))}
      </div>
      {cells.length === 0 ? (
        <p class="empty">No complete trial of the filter has this objective.</p>
      ) : (
        <>
          <Chart
            label={`${titleOf(measures, measure)}, ${shownTexts[shows]}, of ${trials.rows.length} trials by ${columns.name} (across) and ${rows.name} (down)`}
            height={heatHeight(input.rows)}
            option={option}
            onPoint={keep}
            table={() => <CellTable input={input} />}
          />
          <Notes input={input} total={trials.rows.length} />
        </>
      )}
    </section>
  );
}
