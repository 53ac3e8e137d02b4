import { mainScores } from '../../../base/scores.js';
import type { TaskType } from '../../../base/task.js';
import type { CandidateKey, MeasureText, RunAnswer, StoredPrecision } from '../../../experiments/page/api.js';
import { type FrontierPoint, type Plane, planeOf, type PointCloud } from '../../charts/frontier-series.js';
import type { Candidates } from '../../data/candidates.js';

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
  readonly frontier: readonly CandidateKey[];
  readonly plane: Plane;
  /** Whether the vertical axis is an accuracy, so that final accuracies can be drawn. */
  readonly accuracy: boolean;
  readonly precisions: boolean;
  readonly dominated: boolean;
  /** The 95 % interval of a measured latency, where it is known. */
  readonly intervalOf: (key: CandidateKey) => readonly [low: number, high: number] | undefined;
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
  readonly marks: Mark[];
}

/** The marks of a run's rows: members and baselines as points, all others as clouds. */
export class FrontierMarks {
  readonly points: FrontierPoint[] = [];
  private readonly groups = new Map<string, Group>();
  private readonly horizontal: readonly (number | null)[];
  private readonly vertical: readonly (number | null)[];

  constructor(private readonly input: MarksInput) {
    const { candidates, frontier, plane, dominated } = input;
    this.horizontal = plane.x === null ? candidates.number : (columnOf(candidates, plane.x) ?? []);
    this.vertical = columnOf(candidates, plane.y) ?? [];
    const members = new Set(frontier.map((key) => candidates.rowOf(key)));
    for (let row = 0; row < candidates.length; row++) {
      const mark = this.markOf(row);
      if (mark === null) continue;
      if (members.has(row)) this.addMember(mark);
      else if (dominated && candidates.chosen[row]) this.addTrial(mark);
      if (candidates.enqueued[row] !== null && candidates.chosen[row]) this.addEnqueued(mark);
    }
  }

  get clouds(): readonly PointCloud[] {
    return [...this.groups.values()].map(({ series, precision, predicted, marks }) => {
      const xy = new Float64Array(2 * marks.length);
      for (const [i, { x, y }] of marks.entries()) {
        xy[2 * i] = x;
        xy[2 * i + 1] = y;
      }
      return { series, precision, predicted, xy, keyAt: (i) => this.keyOf(marks[i].row) };
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

  private addTrial(mark: Mark): void {
    const { candidates, precisions } = this.input;
    const state = candidates.state[mark.row];
    if (state === 'waiting' || state === 'running') return;
    const series = state === 'complete' ? 'trial' : 'stopped';
    const precision = precisions ? candidates.precision[mark.row] : null;
    const predicted = this.isPredicted(mark.row);
    const name = `${series} ${precision ?? ''} ${predicted}`;
    let group = this.groups.get(name);
    if (group === undefined) this.groups.set(name, (group = { series, precision, predicted, marks: [] }));
    group.marks.push(mark);
  }

  private addMember(mark: Mark): void {
    const { candidates, plane, accuracy, intervalOf } = this.input;
    const { row, x, y } = mark;
    const key = this.keyOf(row);
    const interval = plane.x === 'latency_ms' ? intervalOf(key) : undefined;
    const final = accuracy ? candidates.finalAccuracy[row] : null;
    const label = `#${key.number}`;
    this.points.push({
      series: 'frontier',
      key,
      x,
      y,
      predicted: this.isPredicted(row),
      // The upper one of the two marks has the label.
      ...(final !== null && final >= y ? {} : { label }),
      ...(interval === undefined ? {} : { low: interval[0], high: interval[1] }),
    });
    if (final !== null)
      this.points.push({
        series: 'final',
        key,
        x,
        y: final,
        predicted: false,
        from: y,
        ...(final >= y ? { label } : {}),
      });
  }

  private addEnqueued({ row, x, y }: Mark): void {
    const label = this.input.candidates.enqueued[row];
    if (label === null) return;
    this.points.push({ series: 'enqueued', key: this.keyOf(row), x, y, predicted: this.isPredicted(row), label });
  }
}
