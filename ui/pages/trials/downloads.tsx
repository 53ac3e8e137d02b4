import { useState } from 'preact/hooks';
import type { Field } from '../../data/field.js';
import type { Known } from '../../data/fields.js';
import { save, trialsCsv, trialsJson } from '../../data/downloads.js';
import type { Texts } from '../../data/texts.js';

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
