import type { ComponentChildren } from 'preact';
import { placeText } from '../../base/certainty.js';
import type { Objective } from '../../reports/page/api.js';
import type { Measures } from '../charts/axis.js';
import type { Plotted } from '../charts/frontier-series.js';
import { titleOf } from '../data/measures.js';
import { numberColumn, type Column } from './table.js';
import { Value } from './value.js';

interface FrontierColumns<Row> {
  readonly objectives: readonly Pick<Objective, 'name'>[];
  readonly measures: Measures;
  readonly link: (row: Row) => ComponentChildren;
  readonly precisions: boolean;
  /** The title of an objective; default: the title of its measure. */
  readonly title?: (name: string) => string;
}

/** The first columns of every table of frontiers: trial, precision and objectives. */
export const frontierColumns = <Row extends Plotted>({
  objectives,
  measures,
  link,
  precisions,
  title = (name) => titleOf(measures, name),
}: FrontierColumns<Row>): readonly Column<Row>[] => [
  { title: 'trial', heading: true, cell: link },
  ...(precisions ? [{ title: 'precision', cell: ({ precision }: Row) => precision ?? '-' }] : []),
  ...objectives.map(({ name }) =>
    numberColumn(title(name), ({ values, certainty, provenance }: Row) => (
      <Value
        measures={measures}
        name={name}
        value={values[name]}
        certainty={certainty?.[name]}
        provenance={provenance?.[name]}
      />
    )),
  ),
];

export const placeColumn = { title: 'place', cell: placeText };
