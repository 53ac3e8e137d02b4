/** A cell of a grid: `index` of its row among those that are listed, -1 in the head. */
export interface Place {
  readonly index: number;
  readonly column: number;
}

export interface GridSize {
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
