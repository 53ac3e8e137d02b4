import { useState } from 'preact/hooks';
import { csvLine } from '../../../base/text.js';
import { cellsOf } from '../../data/candidates.js';
import type { Field, FieldGroup, Known } from '../../data/fields.js';
import { save } from '../../data/files.js';
import type { Texts } from '../../data/texts.js';

/** The columns of `nas trials --format csv` in its order, then all other fields. */
function fileColumns(fields: readonly Field[]): readonly (readonly [title: string, field: Field])[] {
  const groups = ['decision', 'objective', 'measure', 'final', 'course', 'trial', 'text'] satisfies FieldGroup[];
  const columns = [
    ...['number', 'state', 'precision'].flatMap((name) => fields.filter((field) => field.name === name)),
    ...groups.flatMap((group) => fields.filter((field) => field.group === group)),
  ];
  return [...new Set(columns)].map((field) => [field.name === 'number' ? 'trial' : field.name, field]);
}

/** Rows as CSV (RFC 4180): shares in [0, 1], latencies in ms, sizes in bytes, times in s. */
export function trialsCsv(rows: readonly number[], fields: readonly Field[]): readonly string[] {
  const columns = fileColumns(fields);
  return [
    csvLine(columns.map(([title]) => title)),
    ...rows.map((row) => csvLine(columns.map(([, { cell }]) => cell(row)))),
  ];
}

/** Rows as a JSON array, with the keys of `nas trials --json`. */
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
      choices: cellsOf(candidates.choices, row),
      values: cellsOf(candidates.values, row),
      provenance: cellsOf(candidates.provenance, row),
      reason: text?.reason ?? null,
      enqueued: candidates.enqueued[row],
      message: text?.message ?? null,
      startedAfter: candidates.startedAfter[row],
      finishedAfter: candidates.finishedAfter[row],
      finalAccuracy: candidates.finalAccuracy[row],
      testAccuracy: candidates.testAccuracy[row],
      ...(candidates.foldAccuracy[row] !== null && {
        foldAccuracy: candidates.foldAccuracy[row],
        foldError: candidates.foldError[row],
      }),
      attempts: candidates.attempts[row],
      rejected: candidates.rejected[row],
      onFrontier: onFrontier(row),
    };
  };
  const last = rows.length - 1;
  return ['[\n', ...rows.map((row, i) => `  ${JSON.stringify(trial(row))}${i === last ? '' : ','}\n`), ']\n'];
}

interface DownloadsProps {
  readonly name: string;
  readonly rows: readonly number[];
  readonly fields: readonly Field[];
  readonly known: Known;
  readonly texts: Texts;
}

const types = { CSV: 'text/csv', JSON: 'application/json' } as const;

/** Buttons that save the listed rows in their order; missing texts are fetched first. */
export function Downloads({ name, rows, fields, known, texts }: DownloadsProps) {
  const [status, setStatus] = useState<string | null>(null);
  const download = async (kind: keyof typeof types): Promise<void> => {
    setStatus('loading texts');
    try {
      const numbers = rows.map((row) => known.candidates.number[row]);
      await texts.all(numbers, (done) =>
        setStatus(
          `texts of ${done.toLocaleString('en-US')} of ${numbers.length.toLocaleString('en-US')} trials loaded`,
        ),
      );
      const parts = kind === 'CSV' ? trialsCsv(rows, fields) : trialsJson(rows, known);
      const file = new Blob([...parts], { type: types[kind] });
      save(`${name}-trials.${kind.toLowerCase()}`, URL.createObjectURL(file));
      setStatus(null);
    } catch {
      setStatus('The server cannot be reached; nothing was saved.');
    }
  };
  return (
    <div class="downloads" role="group" aria-label="Save what is listed">
      {(['CSV', 'JSON'] as const).map((kind) => (
        <button key={kind} type="button" onClick={() => void download(kind)}>
          {kind}
        </button>
      ))}
      <span role="status">{status}</span>
    </div>
  );
}
