import type { Told } from './controller.js';
import { HistoryFold } from './history.js';
import type { Objective } from './objective.js';
import { dominates, type Point } from './pareto.js';
import { toMember, type Member } from './population.js';

/** The smallest and the largest value of each objective (turned so that smaller is better). */
export interface Range {
  readonly low: Point;
  readonly high: Point;
}

/** What is known of the frontier after some trials. */
export interface Archive {
  /** The complete trials that keep all constraints and that no other dominates, in the order in which they came. */
  readonly members: readonly Member[];
  /** Of all complete trials that keep the constraints; undefined when there is none. */
  readonly seen: Range | undefined;
}

const widened = (range: Range | undefined, point: Point): Range =>
  range === undefined
    ? { low: point, high: point }
    : {
        low: point.map((value, i) => Math.min(value, range.low[i])),
        high: point.map((value, i) => Math.max(value, range.high[i])),
      };

function withTrial(archive: Archive, objectives: readonly Objective[], told: Told): Archive {
  const newcomer = toMember(objectives, told);
  if (newcomer === undefined || newcomer.violation > 0) return archive;
  const { members } = archive;
  const seen = widened(archive.seen, newcomer.point);
  if (members.some(({ point }) => dominates(point, newcomer.point))) return { members, seen };
  return { members: [...members.filter(({ point }) => !dominates(newcomer.point, point)), newcomer], seen };
}

/** The Pareto archive as a fold over the history. */
export const archiveFold = (objectives: readonly Objective[]): HistoryFold<Archive> =>
  new HistoryFold<Archive>({ members: [], seen: undefined }, (archive, told) => withTrial(archive, objectives, told));

/**
 * Scales points so that the archive's members span [0, 1] in every objective; where they do not differ, all trials seen
 * do.
 */
export function scaling({ members, seen }: Archive): (point: Point) => Point {
  const own = members.map(({ point }) => point).reduce<Range | undefined>(widened, undefined);
  if (own === undefined || seen === undefined) return (point) => point;
  const [low, size] = [own, seen].reduceRight<readonly [number[], number[]]>(
    ([offsets, sizes], range) => {
      const spans = range.high.map((value, i) => value - range.low[i]);
      return [
        offsets.map((offset, i) => (spans[i] > 0 ? range.low[i] : offset)),
        sizes.map((size, i) => (spans[i] > 0 ? spans[i] : size)),
      ];
    },
    [[...own.low], own.low.map(() => 1)],
  );
  return (point) => point.map((value, i) => (value - low[i]) / size[i]);
}
