import { duration } from '../../../base/number-text.js';
import type { ReadableRun, RunEntry, UnreadableRun } from '../../../experiments/page/api.js';
import { RunProgress, RunState } from '../../components/run-status.js';
import { runAddress } from '../../data/addresses.js';
import { textOf, titleOf } from '../../data/measures.js';

interface SketchProps {
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
function Sketch({ points, label }: SketchProps) {
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

interface Props {
  readonly entry: RunEntry;
  readonly selected: boolean;
  /** Null: not to be chosen for a comparison. */
  readonly onSelect: ((selected: boolean) => void) | null;
  /** In ms since 1970. */
  readonly now: number;
}

/** Of a run's frontier in words: how many networks, and from where to where. */
function sketchText({ frontier, sketch, objectives, measures }: ReadableRun): string {
  const [first, second] = [objectives.at(0), objectives.at(1)];
  const range = (name: string | undefined, i: 0 | 1): string => {
    if (name === undefined || sketch.length === 0) return '';
    const values = sketch.map((point) => point[i]);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => textOf(measures, name, value));
    return `, ${titleOf(measures, name)} ${low} to ${high}`;
  };
  return `Frontier of ${frontier} networks${range(second?.name, 0)}${range(first?.name, 1)}`;
}

function Unreadable({ entry: { id, problem } }: { readonly entry: UnreadableRun }) {
  return (
    <tr>
      <td />
      <th scope="row">{id}</th>
      <td>
        <span class="state failed">unreadable</span>
      </td>
      <td colSpan={5}>{problem}</td>
    </tr>
  );
}

function Best({ entry: { objectives, best, measures } }: { readonly entry: ReadableRun }) {
  const known = objectives.filter(({ name }) => Object.hasOwn(best, name));
  if (known.length === 0) return <>-</>;
  return (
    <ul class="plain">
      {known.map(({ name }) => (
        <li key={name}>
          {titleOf(measures, name)} <strong>{textOf(measures, name, best[name])}</strong>
        </li>
      ))}
    </ul>
  );
}

function Readable({ entry, selected, onSelect, now }: Props & { readonly entry: ReadableRun }) {
  const { id, run, pace, frontier, sketch } = entry;
  const ago = duration(Math.max(0, now - Date.parse(run.updatedAt)) / 1000);
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare ${id}`}
          checked={selected}
          disabled={onSelect === null}
          onChange={({ currentTarget: { checked } }) => onSelect?.(checked)}
        />
      </td>
      <th scope="row">
        <a href={runAddress(id)}>{id}</a>
        {run.name !== id && <div class="note">{run.name}</div>}
      </th>
      <td>
        <RunState run={run} />
        {run.status !== 'running' && <div class="note">{ago} ago</div>}
      </td>
      <td>
        <RunProgress run={run} />
      </td>
      <td class="number">
        {pace.trialsPerHour === null ? '-' : Math.round(pace.trialsPerHour).toLocaleString('en-US')}
      </td>
      <td class="number">{pace.etaSeconds === null ? '-' : duration(pace.etaSeconds)}</td>
      <td>
        <Sketch points={sketch} label={sketchText(entry)} /> <span class="note">{frontier}</span>
      </td>
      <td>
        <Best entry={entry} />
      </td>
    </tr>
  );
}

/** A run in the list of runs, also one that cannot be read. */
export function RunRow({ entry, ...props }: Props) {
  return 'problem' in entry ? <Unreadable entry={entry} /> : <Readable entry={entry} {...props} />;
}
