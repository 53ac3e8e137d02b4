import { html, type Markup } from './markup.js';

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  readonly cell: (row: Row) => string | Markup;
}

export const table = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Markup =>
  html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${columns.map(({ title, numeric }) => html`<th${numeric === true ? html` class="number"` : null}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${columns.map(({ numeric, cell }) => html`<td${numeric === true ? html` class="number"` : null}>${cell(row)}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;

/** Names and values, one a line. */
export const facts = (entries: readonly (readonly [name: string, value: string | Markup])[]): Markup =>
  html`<dl>
    ${entries.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
