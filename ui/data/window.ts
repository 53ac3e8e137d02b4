/** Which rows of a long table are drawn, and where it is scrolled to; all in pixels and rows of one height. */

export interface View {
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
