/** A line of several texts beside each other: what each has there; null: nothing. */
export interface LineRow {
  readonly cells: readonly (string | null)[];
  /** Whether all texts have the same. */
  readonly same: boolean;
}

/** Beyond so many pairs of lines that differ, they are compared by their places only. */
const most = 4_000_000;

/** Pairs of equal lines of a longest common subsequence, in order. */
function commonLines(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let [endA, endB] = [a.length, b.length];
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const [rows, columns] = [endA - start, endB - start];
  const pairs: (readonly [number, number])[] = Array.from({ length: start }, (_, i) => [i, i]);
  if (rows * columns <= most) {
    const width = columns + 1;
    // lengths[i * width + j]: of the longest common subsequence of what follows line i and line j.
    const lengths = new Uint32Array((rows + 1) * width);
    for (let i = rows - 1; i >= 0; i--)
      for (let j = columns - 1; j >= 0; j--)
        lengths[i * width + j] =
          a[start + i] === b[start + j]
            ? lengths[(i + 1) * width + j + 1] + 1
            : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    for (let [i, j] = [0, 0]; i < rows && j < columns;)
      if (a[start + i] === b[start + j]) pairs.push([start + i++, start + j++]);
      else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i++;
      else j++;
  }
  for (let i = 0; endA + i < a.length; i++) pairs.push([endA + i, endB + i]);
  return pairs;
}

/** What a line is about: its indentation, and what stands before its colon. */
const topicOf = (line: string): string => /^[\s-]*[^:]*/.exec(line)?.[0] ?? line;

type Cells = (string | null)[];

/** Rows to be: of the lines of the first text, and before each (and after the last) those that only others have. */
interface Draft {
  readonly texts: number;
  readonly own: readonly Cells[];
  readonly before: readonly Cells[][];
}

const isAbout = (topic: string, cells: Cells): boolean =>
  cells.some((cell) => cell !== null && topicOf(cell) === topic);

/** Puts lines of text `t` beside those of the first one from `from` to `to`, where both are about the same. */
function place({ texts, own, before }: Draft, t: number, from: number, to: number, lines: readonly string[]): void {
  let next = from;
  /** Of the rows before `next`, those that lines of this text may still stand in. */
  let free = 0;
  for (const line of lines) {
    const topic = topicOf(line);
    let row = next;
    while (row < to && topicOf(own[row][0] ?? '') !== topic) row++;
    if (row < to) {
      own[row][t] = line;
      next = row + 1;
      free = 0;
      continue;
    }
    const gap = before[next];
    let at = free;
    while (at < gap.length && !isAbout(topic, gap[at])) at++;
    if (at === gap.length) gap.splice((at = free), 0, new Array<null>(texts).fill(null));
    gap[at][t] = line;
    free = at + 1;
  }
}

/**
 * Texts line by line beside each other, along the first of them: lines that a longest common subsequence pairs stand in one
 * row, and so do lines that differ where both are about the same key. What a text has of a row, from above to below, is
 * that text.
 */
export function alignLines(texts: readonly string[]): readonly LineRow[] {
  const [base = [], ...others] = texts.map((text) => (text === '' ? [] : text.replace(/\n$/, '').split('\n')));
  const draft: Draft = {
    texts: texts.length,
    own: base.map((line) => [line, ...others.map(() => null)]),
    before: Array.from({ length: base.length + 1 }, () => []),
  };
  for (const [o, other] of others.entries()) {
    let [i, j] = [0, 0];
    for (const [toI, toJ] of [...commonLines(base, other), [base.length, other.length] as const]) {
      place(draft, o + 1, i, toI, other.slice(j, toJ));
      if (toI < base.length) draft.own[toI][o + 1] = base[toI];
      [i, j] = [toI + 1, toJ + 1];
    }
  }
  return draft.before
    .flatMap((gap, i) => (i < base.length ? [...gap, draft.own[i]] : gap))
    .map((cells) => ({ cells, same: cells.every((cell) => cell === cells[0]) }));
}

/** Where each line of a text in YAML stands, as keys from the outside to the line's own: `search.controller`. */
export function pathsOf(lines: readonly string[]): readonly string[] {
  const keys: { readonly depth: number; readonly key: string }[] = [];
  return lines.map((line) => {
    const [, indent, key] = /^(\s*(?:- )*)(?:([^:]*):(?: |$))?/.exec(line) ?? ['', '', ''];
    while ((keys.at(-1)?.depth ?? -1) >= indent.length) keys.pop();
    // An item that is a plain value has no key: it stands in its list.
    if ((key as string | undefined) !== undefined) keys.push({ depth: indent.length, key });
    return keys.map((parent) => parent.key).join('.');
  });
}
