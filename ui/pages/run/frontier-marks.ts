import { placeText } from '../../../base/certainty.js';
import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type {
  CandidateKey,
  Certainty,
  FrontierKey,
  MeasureText,
  RunAnswer,
  StoredPrecision,
} from '../../../reports/page/api.js';
import {
  type FrontierPoint,
  memberPoints,
  type Plane,
  planeOf,
  type PointCloud,
} from '../../charts/frontier-series.js';
import type { Candidates } from '../../data/candidates.js';
import type { Test } from '../../filter/compile.js';
import { memberLabel } from '../../data/measures.js';

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

interface Group {
  readonly series: 'stopped' | 'trial';
  readonly precision: StoredPrecision | null;
  readonly predicted: boolean;
  readonly unreliable: boolean;
  readonly marks: Mark[];
}

/** The marks of a run's rows: members and baselines as points, all others as clouds. */
export class FrontierMarks {
  readonly points: FrontierPoint[] = [];
  /** All members of the frontier; the filter does not apply. */
  readonly members: Mark[] = [];
  private readonly groups = new Map<string, Group>();
  private readonly horizontal: readonly (number | null)[];
  private readonly vertical: readonly (number | null)[];

  constructor(private readonly input: MarksInput) {
    const { candidates, frontier, plane, dominated, test } = input;
    this.horizontal = plane.x === null ? candidates.number : (columnOf(candidates, plane.x) ?? []);
    this.vertical = columnOf(candidates, plane.y) ?? [];
    const members = new Map(frontier.map((key) => [candidates.rowOf(key), key]));
    for (let row = 0; row < candidates.length; row++) {
      const mark = this.markOf(row);
      if (mark === null) continue;
      const member = members.get(row);
      if (member !== undefined) this.members.push(mark);
      if (test !== null && !test(row)) continue;
      if (member !== undefined) this.addMember(mark, member);
      else if (dominated && candidates.chosen[row]) this.addTrial(mark);
      if (candidates.enqueued[row] !== null && candidates.chosen[row]) this.addEnqueued(mark);
    }
  }

  get clouds(): readonly PointCloud[] {
    return [...this.groups.values()].map(({ series, precision, predicted, unreliable, marks }) => {
      const xy = new Float64Array(2 * marks.length);
      for (const [i, { x, y }] of marks.entries()) {
        xy[2 * i] = x;
        xy[2 * i + 1] = y;
      }
      return {
        series,
        precision,
        predicted,
        unreliable,
        xy,
        keyAt: (i) => this.keyOf(marks[i].row),
        doubtAt: (i) => this.doubtOf(marks[i].row),
      };
    });
  }

  private keyOf(row: number): CandidateKey {
    const { number, precision } = this.input.candidates;
    return { number: number[row], precision: precision[row] };
  }

  private markOf(row: number): Mark | null {
    const [x, y] = [this.horizontal[row], this.vertical[row]] as (number | null | undefined)[];
    return x === null || x === undefined || y === null || y === undefined ? null : { row, x, y };
  }

  private isPredicted(row: number): boolean {
    const { candidates, plane } = this.input;
    return [plane.x, plane.y].some((name) => name !== null && candidates.provenance.get(name)?.[row] === 'predicted');
  }

  private certaintyOf(row: number, name: string | null): Certainty | undefined {
    return name === null ? undefined : (this.input.candidates.certainty.get(name)?.[row] ?? undefined);
  }

  /** Why a value of the row is not reliable. */
  private doubtOf(row: number): string | undefined {
    const { x, y } = this.input.plane;
    return this.certaintyOf(row, x)?.unreliable ?? this.certaintyOf(row, y)?.unreliable;
  }

  private addTrial(mark: Mark): void {
    const { candidates, precisions } = this.input;
    const state = candidates.state[mark.row];
    if (state === 'waiting' || state === 'running') return;
    const series = state === 'complete' ? 'trial' : 'stopped';
    const precision = precisions ? candidates.precision[mark.row] : null;
    const predicted = this.isPredicted(mark.row);
    const unreliable = this.doubtOf(mark.row) !== undefined;
    const name = `${series} ${precision ?? ''} ${predicted} ${unreliable}`;
    let group = this.groups.get(name);
    if (group === undefined) this.groups.set(name, (group = { series, precision, predicted, unreliable, marks: [] }));
    group.marks.push(mark);
  }

  private addMember({ row, x, y }: Mark, { rivals }: FrontierKey): void {
    const { candidates, plane, accuracy } = this.input;
    const key = this.keyOf(row);
    const [across, upright] = [this.certaintyOf(row, plane.x)?.interval, this.certaintyOf(row, plane.y)?.interval];
    const unreliable = this.doubtOf(row);
    const known = { rivals, certainty: candidates.certaintyOf(row) };
    this.points.push(
      ...memberPoints({
        key,
        x,
        y,
        predicted: this.isPredicted(row),
        intervals: { ...(across && { x: across }), ...(upright && { y: upright }) },
        ...(unreliable !== undefined && { unreliable }),
        place: placeText(known),
        label: memberLabel(key.number, known),
        final: accuracy ? candidates.finalAccuracy[row] : null,
        error: candidates.finalError[row],
      }),
    );
  }

  private addEnqueued({ row, x, y }: Mark): void {
    const label = this.input.candidates.enqueued[row];
    if (label === null) return;
    this.points.push({ series: 'enqueued', key: this.keyOf(row), x, y, predicted: this.isPredicted(row), label });
  }
}
