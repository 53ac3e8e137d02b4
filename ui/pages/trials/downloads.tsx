import { csvLine } from '../../../base/text.js';
import type { Cell, Field, FieldGroup, Known } from '../../data/fields.js';
import { useState } from 'preact/hooks';
import type { Texts } from '../../data/texts.js';

const inOrder = (fields: readonly Field[], groups: readonly FieldGroup[]): Field[] =>
  groups.flatMap((group) => fields.filter((field) => field.group === group));

/**
 * The columns of a file of trials: those that `nas trials --format csv` has, under the same names and in the same order
 * (trial, state, precision, decisions, objectives), then all that is known besides.
 */
function fileColumns(fields: readonly Field[]): readonly (readonly [title: string, field: Field])[] {
  const first = ['number', 'state', 'precision'];
  const head = first.flatMap((name) => fields.filter((field) => field.name === name));
  const rest = inOrder(fields, ['decision', 'objective', 'measure', 'final', 'course', 'trial', 'text']);
  return [...new Set([...head, ...rest])].map((field) => [field.name === 'number' ? 'trial' : field.name, field]);
}

/** Rows as CSV (RFC 4180), numbers as they are: shares in [0, 1], latencies in ms, sizes in bytes, times in seconds. */
export function trialsCsv(rows: readonly number[], fields: readonly Field[]): readonly string[] {
  const columns = fileColumns(fields);
  return [
    csvLine(columns.map(([title]) => title)),
    ...rows.map((row) => csvLine(columns.map(([, { cell }]) => cell(row)))),
  ];
}

const cellsOf = (row: number, columns: Iterable<readonly [string, readonly Cell[]]>): Record<string, Cell> =>
  Object.fromEntries(
    [...columns].flatMap(([name, column]) => {
      const cell = column[row];
      return cell === null ? [] : [[name, cell]];
    }),
  );

/** Rows as a JSON array of trials, with the names that `nas trials --json` gives what both tell. */
export function trialsJson(rows: readonly number[], known: Known): readonly string[] {
  const { candidates, severalPrecisions, onFrontier, textOf } = known;
  const trial = (row: number) => {
    const number = candidates.number[row];
    const text = textOf(number);
    return {
      number,
      state: candidates.state[row],
      ...(severalPrecisions ? { precision: candidates.precision[row] } : {}),
      genotypeId: text?.genotypeId ?? null,
      choices: cellsOf(row, candidates.choices),
      values: cellsOf(row, candidates.values),
      provenance: cellsOf(row, candidates.provenance),
      reason: text?.reason ?? null,
      enqueued: candidates.enqueued[row],
      message: text?.message ?? null,
      startedAfter: candidates.startedAfter[row],
      finishedAfter: candidates.finishedAfter[row],
      finalAccuracy: candidates.finalAccuracy[row],
      testAccuracy: candidates.testAccuracy[row],
      attempts: candidates.attempts[row],
      rejected: candidates.rejected[row],
      onFrontier: onFrontier(row),
    };
  };
  const last = rows.length - 1;
  return ['[\n', ...rows.map((row, i) => `  ${JSON.stringify(trial(row))}${i === last ? '' : ','}\n`), ']\n'];
}

/** Has the browser save a file that is made here. */
function save(name: string, type: string, parts: readonly string[]): void {
  const url = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.setAttribute('download', name);
  link.click();
  // The browser has taken it up by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

interface DownloadsProps {
  /** What files are called after. */
  readonly name: string;
  /** What is listed, in its order. */
  readonly rows: readonly number[];
  readonly fields: readonly Field[];
  readonly known: Known;
  readonly texts: Texts;
}

const kinds = [
  {
    title: 'CSV',
    ending: 'csv',
    type: 'text/csv',
    write: ({ rows, fields }: DownloadsProps) => trialsCsv(rows, fields),
  },
  {
    title: 'JSON',
    ending: 'json',
    type: 'application/json',
    write: ({ rows, known }: DownloadsProps) => trialsJson(rows, known),
  },
] as const;

/** Saves what is listed, as it is sorted; reasons and messages are fetched first. */
export function Downloads(props: DownloadsProps) {
  const { name, rows, known, texts } = props;
  const [busy, setBusy] = useState<string | null>(null);
  const download = async ({ ending, type, write }: (typeof kinds)[number]): Promise<void> => {
    setBusy('fetching texts');
    try {
      const numbers = rows.map((row) => known.candidates.number[row]);
      await texts.all(numbers, (done) =>
        setBusy(
          `texts of ${done.toLocaleString('en-US')} of ${numbers.length.toLocaleString('en-US')} trials are here`,
        ),
      );
      save(`${name}-trials.${ending}`, type, write(props));
      setBusy(null);
    } catch {
      setBusy('The server could not be reached; nothing was saved.');
    }
  };
  return (
    <div class="downloads" role="group" aria-label="Save what is listed">
      {kinds.map((kind) => (
        <button key={kind.title} type="button" onClick={() => void download(kind)}>
          {kind.title}
        </button>
      ))}
      <span role="status">{busy}</span>
    </div>
  );
}
