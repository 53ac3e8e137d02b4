interface Props {
  /** Along the horizontal axis. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** What a picture of it says. */
  readonly label: string;
}

const width = 96;
const height = 28;
const margin = 3;

/** Where values lie between the two ends of a length; in its middle when all are the same. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
}

/** A line of a few points in the height of a line of text: a shape to recognise, with no axes. */
export function Sketch({ points, label }: Props) {
  if (points.length === 0) return <span class="note">none yet</span>;
  const x = scale(
    points.map(([value]) => value),
    margin,
    width - margin,
  );
  const y = scale(
    points.map(([, value]) => value),
    height - margin,
    margin,
  );
  const places = points.map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)] as const);
  return (
    <svg class="sketch" role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      <polyline points={places.map((place) => place.join(',')).join(' ')} />
      {places.map(([cx, cy], i) => (
        <circle key={i} cx={cx} cy={cy} r="1.6" />
      ))}
    </svg>
  );
}
