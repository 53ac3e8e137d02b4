import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type { CandidateKey, FrontierKey, MeasureText, RunAnswer } from '../../../reports/page/api.js';
import {
  type FrontierPoint,
  memberPoints,
  type Plane,
  planeOf,
  type Plotted,
  type PointCloud,
  pointOf,
} from '../../charts/frontier-series.js';
import { cellsOf, type Candidates } from '../../data/candidates.js';
import type { Test } from '../../filter/compile.js';

/** Results of final trainings can be an axis, too; these are their names in addresses. */
const finals = ['final_accuracy', 'test_accuracy'] as const;

const finalMeasures = (task: TaskType): Readonly<Record<(typeof finals)[number], MeasureText>> => {
  const { title, unit } = mainScores[task];
  return { final_accuracy: { title: `final ${title}`, unit }, test_accuracy: { title: `test ${title}`, unit } };
};

const trialNumber = 'trial';

type Query = Readonly<Partial<Record<string, string>>>;

export const axisMeasures = ({ run, measures }: RunAnswer): Readonly<Record<string, MeasureText>> => ({
  ...finalMeasures(run.task),
  ...measures,
});

export function columnOf(candidates: Candidates, name: string): readonly (number | null)[] | undefined {
  if (name === 'final_accuracy') return candidates.finalAccuracy;
  if (name === 'test_accuracy') return candidates.testAccuracy;
  return candidates.values.get(name);
}

/** The names of all axes: objectives, then other values, then final accuracies. */
export function axisNames({ objectives }: RunAnswer, candidates: Candidates): readonly string[] {
  const names = [...objectives.map(({ name }) => name), ...candidates.values.keys()];
  const known = finals.filter((name) => columnOf(candidates, name)?.some((value) => value !== null));
  return [...new Set([...names, ...known])];
}

/** The axes in an address; absent or unknown names give the defaults of reports. */
export function planeIn(query: Query, info: RunAnswer, names: readonly string[]): Plane {
  const usual = planeOf(info.objectives);
  const { x, y } = query;
  const isKnown = (name: string | undefined): name is string => name !== undefined && names.includes(name);
  return { x: x === trialNumber ? null : isKnown(x) ? x : usual.x, y: isKnown(y) ? y : usual.y };
}

export const axisInAddress = (name: string | null): string => name ?? trialNumber;

/** A flag in an address: `1` or `0`; undefined when absent. */
export const flagIn = (text: string | undefined): boolean | undefined =>
  text === undefined ? undefined : text === '1';

export interface MarksInput {
  readonly candidates: Candidates;
  readonly frontier: readonly FrontierKey[];
  readonly plane: Plane;
  /** Whether the vertical axis is an accuracy, so that final accuracies can be drawn. */
  readonly accuracy: boolean;
  readonly precisions: boolean;
  readonly dominated: boolean;
  /** Whether a filter keeps a row; null: all. */
  readonly test: Test | null;
}

interface Mark {
  readonly row: number;
  readonly x: number;
  readonly y: number;
}

interface FrontierMarks {
  /** Members and baselines. */
  readonly points: readonly FrontierPoint[];
  /** All other trials. */
  readonly clouds: readonly PointCloud[];
  /** All members of the frontier; the filter does not apply. */
  readonly members: readonly Mark[];
}

/** Rows of one cloud. */
interface Group extends Pick<PointCloud, 'series' | 'precision' | 'predicted' | 'unreliable'> {
  readonly marks: Mark[];
}

/** The marks of a run's rows. */
export function frontierMarks(input: MarksInput): FrontierMarks {
  const { candidates, frontier, plane, accuracy, precisions, dominated, test } = input;
  const { number, precision, chosen, enqueued, finalAccuracy, finalError } = candidates;
  const [horizontal, vertical] = [
    plane.x === null ? number : (columnOf(candidates, plane.x) ?? []),
    columnOf(candidates, plane.y) ?? [],
  ];
  const axes = [plane.x, plane.y].filter((name) => name !== null);
  const isPredicted = (row: number): boolean =>
    axes.some((name) => candidates.provenance.get(name)?.[row] === 'predicted');
  const unreliableAt = (row: number): string | undefined =>
    axes.map((name) => candidates.certainty.get(name)?.[row]?.unreliable).find((doubt) => doubt !== undefined);
  const keyOf = (row: number): CandidateKey => ({ number: number[row], precision: precision[row] });
  const plotted = ({ row, x, y }: Mark): Plotted => ({
    ...keyOf(row),
    values: { ...(plane.x !== null && { [plane.x]: x }), [plane.y]: y },
    provenance: cellsOf(candidates.provenance, row),
    certainty: candidates.certaintyOf(row),
  });

  const points: FrontierPoint[] = [];
  const members: Mark[] = [];
  const groups = new Map<string, Group>();
  const addTrial = (mark: Mark): void => {
    const state = candidates.state[mark.row];
    if (state === 'waiting' || state === 'running') return;
    const own = {
      series: state === 'complete' ? 'trial' : 'stopped',
      precision: precisions ? precision[mark.row] : null,
      predicted: isPredicted(mark.row),
      unreliable: unreliableAt(mark.row) !== undefined,
    } as const;
    const name = Object.values(own).join(' ');
    let group = groups.get(name);
    if (group === undefined) groups.set(name, (group = { ...own, marks: [] }));
    group.marks.push(mark);
  };
  const byRow = new Map(frontier.map((key) => [candidates.rowOf(key), key]));
  for (let row = 0; row < candidates.length; row++) {
    const [x, y] = [horizontal[row], vertical[row]] as (number | null | undefined)[];
    if (x === null || x === undefined || y === null || y === undefined) continue;
    const mark = { row, x, y };
    const member = byRow.get(row);
    if (member !== undefined) members.push(mark);
    if (test !== null && !test(row)) continue;
    if (member !== undefined) {
      const final = { accuracy: finalAccuracy[row], standardError: finalError[row] };
      points.push(...memberPoints({ ...plotted(mark), rivals: member.rivals }, plane, accuracy ? final : null));
    } else if (dominated && chosen[row]) addTrial(mark);
    const at = enqueued[row] !== null && chosen[row] ? pointOf(plotted(mark), plane, 'enqueued') : null;
    if (at !== null) points.push({ ...at, label: enqueued[row] ?? '' });
  }
  const clouds = [...groups.values()].map(({ marks, ...group }) => ({
    ...group,
    xy: Float64Array.from(marks.flatMap(({ x, y }) => [x, y])),
    keyAt: (i: number) => keyOf(marks[i].row),
    unreliableAt: (i: number) => unreliableAt(marks[i].row),
  }));
  return { points, clouds, members };
}
