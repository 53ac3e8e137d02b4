import { z } from 'zod';
import { invalidInput } from '../../../base/errors.js';

/** A cell of labels, and where it stands, for messages. */
interface LabelCell {
  readonly text: string;
  readonly where: string;
}

const scalars = z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String));

/** An entry of a list as Python or a person writes it: in quotes, or as it is. */
const entry = /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^,"']*?))\s*(?:,|$)/gsy;

/** The entries of a list in brackets, in JSON or with Python's quotes or none; null: the text is no list. */
export function listIn(text: string): readonly string[] | null {
  if (!/^\[.*\]$/s.test(text)) return null;
  try {
    const list = scalars.safeParse(JSON.parse(text));
    return list.success ? list.data : null;
  } catch {
    const inside = text.slice(1, -1);
    const entries = [...inside.matchAll(entry)];
    const length = entries.reduce((sum, [all]) => sum + all.length, 0);
    if (length !== inside.length) return null;
    return entries.map(([, ...forms]) => forms.join('').replaceAll(/\\(.)/gs, '$1')).filter((name) => name !== '');
  }
}

const separators = { ';': 'semicolons', '|': 'bars', ',': 'commas' } as const;
type Separator = keyof typeof separators;

/** How the cells of a column become labels. */
export interface LabelLists {
  readonly namesOf: (text: string) => readonly string[];
  /** A sentence for the report; undefined: nothing separates labels. */
  readonly note: string | undefined;
}

/**
 * The labels in the cells of a column: lists in brackets, or names between separators of one kind.
 * @throws NasError `invalid-input` with the line of a second kind of separator
 */
export function labelLists(column: string, cells: readonly LabelCell[]): LabelLists {
  let first: { readonly separator: Separator; readonly cell: LabelCell } | undefined;
  for (const cell of cells) {
    if (listIn(cell.text) !== null) continue;
    for (const separator of Object.keys(separators) as Separator[]) {
      if (!cell.text.includes(separator)) continue;
      first ??= { separator, cell };
      if (separator === first.separator) continue;
      const other = first.cell === cell ? '' : `, and ${JSON.stringify(first.cell.text)} in ${first.cell.where}`;
      throw invalidInput(
        `${cell.where}: ${column} is ${JSON.stringify(cell.text)}${other}: do ${separators[first.separator]} or ${separators[separator]} separate labels?`,
        { hint: 'Write names with such signs as a list: ["tench, Tinca tinca", "dog"].' },
      );
    }
  }
  const separator = first?.separator ?? ';';
  const split = (text: string): string[] =>
    text.split(separator).map((part) => part.trim().replace(/^(["'])(.*)\1$/, '$2'));
  return {
    namesOf: (text) => (listIn(text) ?? split(text)).filter((name) => name !== ''),
    note: first && `${column}: ${separators[separator]} separate labels, as in ${JSON.stringify(first.cell.text)}.`,
  };
}
