import type { ReportData, ReportTrial } from '../data.js';
import { objectiveTitle, objectiveValue } from '../format.js';
import { html, type Markup } from './markup.js';
import { table, type Column } from './table.js';

/** Rows of the table; `nas trials` lists all. */
const mostRows = 500;

/** The trials that ended before they were trained to their end, each with its reason and what is known; null without any. */
export function givenUp({ trials, objectives }: ReportData): Markup | null {
  const rows = trials.filter(({ state, message }) => (state === 'pruned' || state === 'failed') && message !== null);
  if (rows.length === 0) return null;
  const columns: Column<ReportTrial>[] = [
    { title: 'trial', numeric: true, cell: ({ number }) => `${number}` },
    { title: 'state', cell: ({ state }) => state },
    ...objectives.map(({ name }): Column<ReportTrial> => ({
      title: objectiveTitle(name),
      numeric: true,
      cell: ({ values }) => objectiveValue(name, values[name]),
    })),
    { title: 'reason', cell: ({ message }) => message ?? '' },
  ];
  return html`<details class="card" id="given-up">
    <summary>Given up<span>${rows.length} trials, and why</span></summary>
    <p class="note">
      Values of a trial that was stopped early are those of its shorter
      training.${rows.length > mostRows ? ` The first ${mostRows} are shown; nas trials lists all.` : ''}
    </p>
    ${table(columns, rows.slice(0, mostRows))}
  </details>`;
}
