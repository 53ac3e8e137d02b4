/** A moment in the time of this place, as it sorts: `2026-11-27 05:31:07`. */
export function Time({ at }: { /** In ms since 1970. */ readonly at: number }) {
  const date = new Date(at);
  // Swedes write dates so.
  return <time dateTime={date.toISOString()}>{date.toLocaleString('sv-SE')}</time>;
}
