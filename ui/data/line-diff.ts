import { diffArrays } from 'diff';

/** A line of several YAML texts side by side. */
export interface LineRow {
  /** The keys around the line and its own: `search.controller`. */
  readonly path: string;
  /** The line of each text; null where a text has none. */
  readonly cells: readonly (string | null)[];
  readonly same: boolean;
}

/** With more insertions and deletions, the texts count as entirely different. */
const mostEdits = 4000;

interface Line {
  readonly text: string;
  readonly path: string;
  /** Unique in its text. Lines with the same key go into one row. */
  readonly key: string;
}

function linesOf(text: string): readonly Line[] {
  const parents: { readonly depth: number; readonly key: string }[] = [];
  const counts = new Map<string, number>();
  return (text === '' ? [] : text.replace(/\n$/, '').split('\n')).map((line) => {
    const [, indent, own] = /^(\s*(?:- )*)(?:([^:]*):(?: |$))?/.exec(line) as unknown as [string, string, string?];
    while ((parents.at(-1)?.depth ?? -1) >= indent.length) parents.pop();
    // A list item that is a plain value has no key: its path is that of its list.
    if (own !== undefined) parents.push({ depth: indent.length, key: own });
    const path = parents.map(({ key }) => key).join('.');
    const name = own === undefined ? `${path}\n${line.trim()}` : path;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return { text: line, path, key: `${name}\n${count}` };
  });
}

/** Aligns YAML texts line by line, by key. The cells of one column, from top to bottom, are the whole text. */
export function alignLines(texts: readonly string[]): readonly LineRow[] {
  let rows: { readonly line: Line; readonly cells: (string | null)[] }[] = [];
  for (const [column, lines] of texts.map(linesOf).entries()) {
    const known = rows.map(({ line }) => line);
    const parts = diffArrays(known, [...lines], {
      comparator: (a, b) => a.key === b.key,
      maxEditLength: mostEdits,
    });
    let [row, next] = [0, 0];
    const merged: typeof rows = [];
    for (const { removed, added, count } of parts ?? [
      { removed: true, added: false, count: known.length },
      { removed: false, added: true, count: lines.length },
    ])
      for (let i = 0; i < count; i++) {
        const current = added
          ? { line: lines[next], cells: new Array<string | null>(texts.length).fill(null) }
          : rows[row++];
        if (!removed) current.cells[column] = lines[next++].text;
        merged.push(current);
      }
    rows = merged;
  }
  return rows.map(({ line: { path }, cells }) => ({ path, cells, same: cells.every((cell) => cell === cells[0]) }));
}
