/** What a table has in a row and a column; null is not known. */
export type Cell = string | number | boolean | null;

/** What kind of column it is, for those who list, order or describe columns. */
export type FieldGroup = 'trial' | 'objective' | 'measure' | 'decision' | 'final' | 'course' | 'text';

/** Something that is known of each candidate, by name: tables list it, filters ask for it, downloads hold it. */
export interface Field {
  /** As filters, addresses and files write it: `latency_ms`. */
  readonly name: string;
  /** As people read it: `latency`. */
  readonly title: string;
  readonly group: FieldGroup;
  /** `choice`: a decision's, a number, a text or yes and no. */
  readonly kind: 'number' | 'text' | 'flag' | 'choice';
  /** All that it can be, where that is known beforehand. */
  readonly values?: readonly string[];
  readonly cell: (row: number) => Cell;
  /** The cell as tables show it. */
  readonly text: (row: number) => string;
}
