import { duration } from '../../../base/number-text.js';
import { mainScores } from '../../../base/scores.js';
import type { ReadableRun, RunEntry } from '../../../reports/page/api.js';
import { Tag } from '../../components/elements.js';
import { NoteText } from '../../components/notes.js';
import { RunProgress, RunState } from '../../components/run-status.js';
import { runAddress } from '../../data/addresses.js';
import { isAccuracy, textOf, titleOf } from '../../data/measures.js';

/** The size of a sketch, px. */
const [width, height, margin] = [96, 28, 3];

/** Maps values linearly to a range of px; equal values to its middle. */
function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return (value) => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
}

/** A frontier in words: the number of networks and the ranges of the objectives. */
function sketchText({ frontier, sketch, objectives, measures }: ReadableRun): string {
  const range = (objective: 0 | 1, i: 0 | 1): string => {
    const name = objectives.at(objective)?.name;
    if (name === undefined || sketch.length === 0) return '';
    const values = sketch.map((point) => point[i]);
    const [low, high] = [Math.min(...values), Math.max(...values)].map((value) => textOf(measures, name, value));
    return `, ${titleOf(measures, name)} ${low} to ${high}`;
  };
  return `Frontier of ${frontier} networks${range(1, 0)}${range(0, 1)}`;
}

/** A frontier as a small line without axes. */
function Sketch({ entry }: { readonly entry: ReadableRun }) {
  const { sketch } = entry;
  if (sketch.length === 0) return <span class="note">none yet</span>;
  const [xs, ys] = [sketch.map(([x]) => x), sketch.map(([, y]) => y)];
  const [x, y] = [scale(xs, margin, width - margin), scale(ys, height - margin, margin)];
  const points = sketch.map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)] as const);
  const label = sketchText(entry);
  return (
    <svg class="sketch" role="img" aria-label={label} width={width} height={height} viewBox={`0 0 ${width} ${height}`}>
      <polyline points={points.map((point) => point.join(',')).join(' ')} />
      {points.map(([cx, cy], i) => (
        <circle key={i} cx={cx} cy={cy} r="1.6" />
      ))}
    </svg>
  );
}

function Best({ entry: { run, objectives, best, unreliable, bestFinal, measures } }: { readonly entry: ReadableRun }) {
  const known = objectives.filter(({ name }) => Object.hasOwn(best, name));
  if (known.length === 0) return <>-</>;
  return (
    <ul class="plain">
      {known.map(({ name }) => {
        const isFinal = bestFinal !== null && isAccuracy(measures, name);
        return (
          <li key={name}>
            {isFinal ? `final ${mainScores[run.task].title}` : titleOf(measures, name)}{' '}
            <strong>{textOf(measures, name, isFinal ? bestFinal : best[name])}</strong>
            {unreliable.includes(name) && (
              <>
                {' '}
                <Tag text="unreliable" />
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface Props {
  readonly entry: RunEntry;
  /** The current time, in ms since 1970. */
  readonly now: number;
  readonly selected: boolean;
  /** Whether no further run can be selected. */
  readonly full: boolean;
  readonly onSelect: (selected: boolean) => void;
}

export function RunRow({ entry, now, selected, full, onSelect }: Props) {
  if ('problem' in entry)
    return (
      <tr>
        <td />
        <th scope="row">{entry.id}</th>
        <td>
          <span class="state failed">unreadable</span>
        </td>
        <td colSpan={5}>{entry.problem}</td>
      </tr>
    );
  const { id, run, pace, frontier } = entry;
  const ago = duration(Math.max(0, now - Date.parse(run.updatedAt)) / 1000);
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          aria-label={`Compare ${id}`}
          checked={selected}
          disabled={full && !selected}
          onChange={({ currentTarget: { checked } }) => onSelect(checked)}
        />
      </td>
      <th scope="row">
        <a href={runAddress(id)}>{id}</a>
        {run.name !== id && <div class="note">{run.name}</div>}
        <NoteText of={run} />
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
        <Sketch entry={entry} /> <span class="note">{frontier}</span>
      </td>
      <td>
        <Best entry={entry} />
      </td>
    </tr>
  );
}
