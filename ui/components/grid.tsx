import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Which rows of a long table are drawn, and where it is scrolled to; all in pixels and rows of one height. */

interface View {
  /** What is scrolled away above. */
  readonly top: number;
  /** What can be seen of the rows. */
  readonly height: number;
  readonly rowHeight: number;
  readonly rows: number;
}

/** Rows that are drawn: those that can be seen, and some beyond them on either side. */
export function drawnRows({ top, height, rowHeight, rows }: View, beyond = 8): readonly [first: number, end: number] {
  const first = Math.floor(top / rowHeight) - beyond;
  const end = Math.ceil((top + height) / rowHeight) + beyond;
  return [Math.min(Math.max(first, 0), rows), Math.max(Math.min(end, rows), 0)];
}

/** Where to scroll so that a row is seen whole; where it is, when it is already. */
export function topShowing({ top, height, rowHeight }: View, row: number): number {
  const above = row * rowHeight;
  const below = above + rowHeight - height;
  return above < top ? above : below > top ? below : top;
}

/** Where to scroll so that a row that was at one place and is at another now stays where it was on the screen. */
export const topKeeping = (top: number, rowHeight: number, was: number, is: number): number =>
  Math.max(top + (is - was) * rowHeight, 0);

/** Rows that a page of the table moves by: all but one that are seen whole. */
export const rowsOfPage = ({ height, rowHeight }: View): number => Math.max(Math.floor(height / rowHeight) - 1, 1);

/** A cell of a grid: `index` of its row among those that are listed, -1 in the head. */
export interface Place {
  readonly index: number;
  readonly column: number;
}

interface GridSize {
  readonly rows: number;
  readonly columns: number;
  /** Rows of a page. */
  readonly page: number;
}

type Move = (place: Place, size: GridSize) => Place;

const moves: Readonly<Partial<Record<string, Move>>> = {
  ArrowUp: ({ index, column }) => ({ index: index - 1, column }),
  ArrowDown: ({ index, column }) => ({ index: index + 1, column }),
  ArrowLeft: ({ index, column }) => ({ index, column: column - 1 }),
  ArrowRight: ({ index, column }) => ({ index, column: column + 1 }),
  PageUp: ({ index, column }, { page }) => ({ index: Math.max(index - page, Math.min(index, 0)), column }),
  PageDown: ({ index, column }, { page }) => ({ index: index + page, column }),
  Home: ({ index }) => ({ index, column: 0 }),
  End: ({ index }, { columns }) => ({ index, column: columns - 1 }),
};

/** With Ctrl held: the first and the last row. */
const moreMoves: Readonly<Partial<Record<string, Move>>> = {
  Home: () => ({ index: 0, column: 0 }),
  End: (_, { rows, columns }) => ({ index: rows - 1, column: columns - 1 }),
};

const within = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high));

/** Where a key moves the focus to, as the ARIA pattern of grids has it; null when it is no key that moves. */
export function placeAfter(place: Place, key: string, ctrl: boolean, size: GridSize): Place | null {
  const move = (ctrl ? moreMoves : moves)[key];
  if (move === undefined) return null;
  const { index, column } = move(place, size);
  return { index: within(index, -1, size.rows - 1), column: within(column, 0, size.columns - 1) };
}

export interface GridColumn {
  readonly name: string;
  readonly title: string;
  /** What is told of it beyond its title. */
  readonly note: string;
  readonly numeric: boolean;
  /** px. */
  readonly width: number;
  readonly sorted: 'ascending' | 'descending' | null;
  readonly content: (row: number) => ComponentChildren;
}

interface GridProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  /** Rows in order, each by a number that stays its own. */
  readonly rows: readonly number[];
  /** Names the order of the rows and which there are; when it changes, the table begins at its top. */
  readonly order: string;
  readonly isSelected: (row: number) => boolean;
  readonly onSort: (column: string, further: boolean) => void;
  readonly onOpen: (row: number) => void;
  readonly onSelect: (row: number) => void;
  /** Told which rows are drawn. */
  readonly onDrawn: (rows: readonly number[]) => void;
}

const rowHeight = 32;
const headHeight = 36;

/** What has the focus, or would get it: a row by its number, so that it keeps it when others come. Null: the head. */
interface Focus {
  readonly row: number | null;
  readonly column: number;
}

/**
 * A table of very many rows, of which only those are in the document that can be seen: sorted by its heads, walked through
 * with the keyboard (the pattern of ARIA's grids), each row to be opened and selected. Rows that come or go above leave what
 * is looked at where it is.
 */
export function Grid({ label, columns, rows, order, isSelected, onSort, onOpen, onSelect, onDrawn }: GridProps) {
  const element = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [focus, setFocus] = useState<Focus>({ row: rows[0] ?? null, column: 0 });
  const hasFocus = useRef(false);
  const before = useRef({ rows, order });
  const view: View = { top, height, rowHeight, rows: rows.length };

  useLayoutEffect(() => {
    const grid = element.current;
    if (grid === null) return;
    const observer = new ResizeObserver(() => setHeight(Math.max(grid.clientHeight - headHeight, rowHeight)));
    observer.observe(grid);
    return () => observer.disconnect();
  }, []);

  const found = focus.row === null ? -1 : rows.indexOf(focus.row);
  // A row that is no longer listed passes the focus on to the first.
  const place: Place = {
    index: focus.row === null ? -1 : found < 0 ? Math.min(0, rows.length - 1) : found,
    column: Math.min(focus.column, columns.length - 1),
  };

  useLayoutEffect(() => {
    const grid = element.current;
    const was = before.current;
    before.current = { rows, order };
    if (grid === null || was.rows === rows) return;
    if (was.order !== order) {
      grid.scrollTop = 0;
    } else {
      const at = focus.row === null ? -1 : was.rows.indexOf(focus.row);
      const watched = hasFocus.current && at * rowHeight >= top && at * rowHeight < top + height;
      const index = watched ? at : Math.floor(top / rowHeight);
      const is = watched || top > 0 ? rows.indexOf(was.rows[index]) : -1;
      if (is >= 0) grid.scrollTop = topKeeping(top, rowHeight, index, is);
    }
    setTop(grid.scrollTop);
  }, [rows, order]);

  useLayoutEffect(() => {
    const cell = element.current?.querySelector<HTMLElement>('[tabindex="0"]');
    // Its cell was drawn anew or is another one: the focus goes there, without moving the page.
    if (hasFocus.current && cell !== null && cell !== undefined && !element.current?.contains(document.activeElement))
      cell.focus({ preventScroll: true });
  });

  const go = (to: Place): void => {
    const grid = element.current;
    if (grid === null) return;
    if (to.index >= 0) grid.scrollTop = topShowing({ ...view, top: grid.scrollTop }, to.index);
    setTop(grid.scrollTop);
    setFocus({ row: rows[to.index] ?? null, column: to.column });
    requestAnimationFrame(() => {
      const cell = grid.querySelector<HTMLElement>('[tabindex="0"]');
      cell?.focus({ preventScroll: true });
      cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    });
  };

  const press = (event: KeyboardEvent): void => {
    if (event.altKey) return;
    const row = rows[place.index] as number | undefined;
    const acts: Readonly<Partial<Record<string, () => void>>> = {
      Enter: () => (row === undefined ? onSort(columns[place.column].name, event.shiftKey) : onOpen(row)),
      ' ': () => (row === undefined ? onSort(columns[place.column].name, event.shiftKey) : onSelect(row)),
    };
    const size = { rows: rows.length, columns: columns.length, page: rowsOfPage(view) };
    const to = placeAfter(place, event.key, event.ctrlKey || event.metaKey, size);
    const act = to === null ? acts[event.key] : () => go(to);
    if (act === undefined) return;
    event.preventDefault();
    act();
  };

  const [first, end] = drawnRows(view);
  const drawn = Array.from({ length: end - first }, (_, i) => first + i);
  // The row with the focus stays in the document wherever one scrolls to, else it would lose it.
  const indices =
    place.index < 0 || drawn.includes(place.index) ? drawn : [...drawn, place.index].sort((a, b) => a - b);
  useLayoutEffect(() => onDrawn(rows.slice(first, end)), [rows, first, end]);

  const tab = (index: number, column: number): number => (index === place.index && column === place.column ? 0 : -1);
  return (
    <div
      ref={element}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns.length}
      aria-multiselectable
      onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}
      onKeyDown={press}
      onFocusIn={() => (hasFocus.current = true)}
      onFocusOut={({ relatedTarget, currentTarget }) => {
        // What is taken out of the document says nothing of where the focus goes.
        if (relatedTarget instanceof Node || document.hasFocus())
          hasFocus.current = relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
      }}
      style={{
        '--columns': columns.map(({ width }) => `${width}px`).join(' '),
        '--width': `${columns.reduce((sum, { width }) => sum + width, 0)}px`,
        '--first': `${columns[0]?.width ?? 0}px`,
      }}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" aria-rowindex={1} class="grid-row">
          {columns.map(({ name, title, note, numeric, sorted }, column) => (
            <div
              key={name}
              role="columnheader"
              aria-colindex={column + 1}
              aria-sort={sorted ?? 'none'}
              tabIndex={tab(-1, column)}
              title={note}
              class={numeric ? 'number' : undefined}
              onFocus={() => setFocus({ row: null, column })}
              onClick={(event) => onSort(name, event.shiftKey)}
            >
              {title}
              {sorted !== null && <span aria-hidden="true">{sorted === 'ascending' ? ' ▲' : ' ▼'}</span>}
            </div>
          ))}
        </div>
      </div>
      {rows.length > 0 && (
        <div role="rowgroup" class="grid-body" style={{ height: `${rows.length * rowHeight}px` }}>
          {indices.map((index) => {
            const row = rows[index];
            return (
              <div
                key={row}
                role="row"
                aria-rowindex={index + 2}
                aria-selected={isSelected(row)}
                class="grid-row"
                style={{ transform: `translateY(${index * rowHeight}px)` }}
                onDblClick={() => onOpen(row)}
              >
                {columns.map(({ name, numeric, content }, column) => (
                  <div
                    key={name}
                    role="gridcell"
                    aria-colindex={column + 1}
                    tabIndex={tab(index, column)}
                    class={numeric ? 'number' : undefined}
                    onFocus={() => setFocus({ row, column })}
                    onClick={({ currentTarget }) => currentTarget.focus({ preventScroll: true })}
                  >
                    {content(row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      )}
    </div>
  );
}
