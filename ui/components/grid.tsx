import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

const rowHeight = 32;
const headHeight = 36;

/** Rows that are drawn above and below the visible ones. */
const overscan = 8;

/** What is visible of the rows, px. */
interface View {
  /** The scroll position. */
  readonly top: number;
  readonly height: number;
}

/** The rows to draw: the visible ones and some around them. */
export function drawnRows({ top, height }: View, rows: number): readonly [first: number, end: number] {
  const first = Math.floor(top / rowHeight) - overscan;
  const end = Math.ceil((top + height) / rowHeight) + overscan;
  return [Math.min(Math.max(first, 0), rows), Math.max(Math.min(end, rows), 0)];
}

/** The nearest scroll position at which a row is entirely visible. */
export function scrollTopFor({ top, height }: View, row: number): number {
  const above = row * rowHeight;
  const below = above + rowHeight - height;
  return above < top ? above : below > top ? below : top;
}

/** A cell: `index` of its row in the list; -1 is the head. */
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

const ctrlMoves: typeof moves = {
  Home: () => ({ index: 0, column: 0 }),
  End: (_, { rows, columns }) => ({ index: rows - 1, column: columns - 1 }),
};

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(value, high));

/** Where a key moves the focus, by the ARIA grid pattern; null for any other key. */
export function placeAfter(place: Place, key: string, ctrl: boolean, size: GridSize): Place | null {
  const to = (ctrl ? ctrlMoves : moves)[key]?.(place, size);
  if (to === undefined) return null;
  return { index: clamp(to.index, -1, size.rows - 1), column: clamp(to.column, 0, size.columns - 1) };
}

export interface GridColumn {
  readonly name: string;
  readonly title: string;
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
  /** The rows in order, each identified by a number. */
  readonly rows: readonly number[];
  /** Identifies the sorting and the filter; a change scrolls to the top. */
  readonly order: string;
  readonly isSelected: (row: number) => boolean;
  readonly onSort: (column: string, further: boolean) => void;
  readonly onOpen: (row: number) => void;
  readonly onSelect: (row: number) => void;
  readonly onDrawn: (rows: readonly number[]) => void;
}

/** The focused cell. It keeps its row when other rows come or go; null is the head. */
interface Focus {
  readonly row: number | null;
  readonly column: number;
}

/**
 * A table of many rows that keeps only the visible ones in the document. It is sorted by its heads and operated by the
 * keyboard (ARIA grid pattern). The visible rows stay in place when rows are added or removed above.
 */
export function Grid({ label, columns, rows, order, isSelected, onSort, onOpen, onSelect, onDrawn }: GridProps) {
  const element = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [focus, setFocus] = useState<Focus>({ row: rows[0] ?? null, column: 0 });
  const hasFocus = useRef(false);
  const before = useRef({ rows, order });
  const focusedCell = () => element.current?.querySelector<HTMLElement>('[tabindex="0"]') ?? null;

  useLayoutEffect(() => {
    const grid = element.current;
    if (grid === null) return;
    const observer = new ResizeObserver(() => setHeight(Math.max(grid.clientHeight - headHeight, rowHeight)));
    observer.observe(grid);
    return () => observer.disconnect();
  }, []);

  const found = focus.row === null ? -1 : rows.indexOf(focus.row);
  // A row that disappears passes the focus to the first one.
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
      if (is >= 0) grid.scrollTop = Math.max(top + (is - index) * rowHeight, 0);
    }
    setTop(grid.scrollTop);
  }, [rows, order]);

  useLayoutEffect(() => {
    // The focused cell was replaced: the new one gets the focus.
    if (hasFocus.current && element.current?.contains(document.activeElement) === false)
      focusedCell()?.focus({ preventScroll: true });
  });

  const go = (to: Place): void => {
    const grid = element.current;
    if (grid === null) return;
    if (to.index >= 0) grid.scrollTop = scrollTopFor({ top: grid.scrollTop, height }, to.index);
    setTop(grid.scrollTop);
    setFocus({ row: rows[to.index] ?? null, column: to.column });
    requestAnimationFrame(() => {
      const cell = focusedCell();
      cell?.focus({ preventScroll: true });
      cell?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    });
  };

  const press = (event: KeyboardEvent): void => {
    if (event.altKey) return;
    const row = rows[place.index] as number | undefined;
    const page = Math.max(Math.floor(height / rowHeight) - 1, 1);
    const size = { rows: rows.length, columns: columns.length, page };
    const to = placeAfter(place, event.key, event.ctrlKey || event.metaKey, size);
    if (to === null && event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    if (to !== null) go(to);
    else if (row === undefined) onSort(columns[place.column].name, event.shiftKey);
    else (event.key === 'Enter' ? onOpen : onSelect)(row);
  };

  const [first, end] = drawnRows({ top, height }, rows.length);
  const drawn = Array.from({ length: end - first }, (_, i) => first + i);
  // The row with the focus stays in the document: otherwise it would lose the focus.
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
        // A cell that is removed from the document has no `relatedTarget`, although the focus stays in the grid.
        if (relatedTarget instanceof Node || document.hasFocus())
          hasFocus.current = relatedTarget instanceof Node && currentTarget.contains(relatedTarget);
      }}
      style={{
        // The last column takes the rest of the width.
        '--columns': columns
          .map(({ width }, i) => (i < columns.length - 1 ? `${width}px` : `minmax(${width}px, 1fr)`))
          .join(' '),
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
