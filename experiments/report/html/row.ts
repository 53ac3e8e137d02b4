import type { ReportMember } from '../data.js';
import { duration, objectiveTitle, objectiveValue } from '../format.js';
import { html, type Markup } from './markup.js';
import { facts } from './table.js';

/** A network of which only a table's row is known, folded until it is asked for. */
export function rowCard({ number, genotypeId, choices, values, finishedAfter }: ReportMember): Markup {
  const summary = Object.entries(values).map(
    ([name, value]) => `${objectiveTitle(name)} ${objectiveValue(name, value)}`,
  );
  const finished = finishedAfter === null ? [] : [['evaluated', `after ${duration(finishedAfter)}`] as const];
  return html`<details class="card" id="trial-${number}">
    <summary>Trial ${number}<span>${summary.join(', ')}</span></summary>
    ${facts([['genotype', genotypeId], ...finished])}
    <h3>Decisions</h3>
    ${facts(Object.entries(choices).map(([name, choice]) => [name, String(choice)] as const))}
  </details> `;
}
