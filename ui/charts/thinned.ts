/**
 * At most `limit` of some rows, and always those that must be there: the others evenly chosen from first to last, the same
 * each time.
 */
export function thinned<T>(rows: readonly T[], limit: number, kept: (row: T) => boolean): readonly T[] {
  if (rows.length <= limit) return rows;
  const must = rows.filter(kept);
  const room = Math.max(0, limit - must.length);
  const others = rows.length - must.length;
  let seen = 0;
  return rows.filter((row) => {
    if (kept(row)) return true;
    // Whether the room that is due up to this row has grown by one.
    const before = Math.floor((seen * room) / others);
    seen++;
    return Math.floor((seen * room) / others) > before;
  });
}
