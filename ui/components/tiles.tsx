/** A number that people look at first, and what it is. */
export interface TileText {
  readonly value: string;
  readonly label: string;
}

export function Tiles({ tiles }: { readonly tiles: readonly TileText[] }) {
  return (
    <div class="tiles">
      {tiles.map(({ value, label }) => (
        <div key={label} class="tile">
          <b>{value}</b>
          <span>{label}</span>
        </div>
      ))}
    </div>
  );
}
