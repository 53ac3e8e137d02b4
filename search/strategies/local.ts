import type { Random } from '../../base/random.js';
import { genotypeId, mutate, sampleGenotype, type DecisionSpace, type Genotype } from '../../spaces/index.js';
import type { AskContext, TrialResult } from '../controller.js';
import { judgedPoint, withPoint } from '../frontier.js';
import { HistoryFold, type AskedIds } from '../history.js';
import { hypervolumeImprovement } from '../hypervolume.js';
import { minimized, type Objective } from '../objective.js';
import { crowdingDistances, type Point } from '../pareto.js';
import { bestFirst, type Scored, type StrategyFactory } from './strategy.js';

/** Default number of random first trials. */
const startup = 6;

/** Neighbours that are compared by their cheap objectives. */
const compared = 24;

/** Draws in a row that were asked before, after which neighbours are one more decision away. */
const patience = 16;

/**
 * Assumed loss of a neighbour in objectives that are not known yet, as a share of the frontier's range: most changes to a
 * network on the frontier make it worse. (On NAS-Bench-201, 0.1 to 0.3 are alike, and 0 or a gain is much worse.)
 */
const expectedLoss = 0.2;

/** Distance of the hypervolume's reference point from the frontier's worst values, as a share of its range. */
const margin = 0.1;

/** Hypervolumes of more objectives are slow. */
const maxObjectives = 3;

/** The smallest and the largest value of each objective. */
interface Extent {
  readonly low: Point;
  readonly high: Point;
}

/** A complete trial that keeps all constraints. */
interface Member {
  readonly trial: TrialResult;
  readonly point: Point;
}

interface Archive {
  /** The frontier, in trial order. */
  readonly members: readonly Member[];
  /** Of all complete trials that keep the constraints; undefined when there is none. */
  readonly seen: Extent | undefined;
}

const widened = (range: Extent | undefined, point: Point): Extent =>
  range === undefined
    ? { low: point, high: point }
    : {
        low: point.map((value, i) => Math.min(value, range.low[i])),
        high: point.map((value, i) => Math.max(value, range.high[i])),
      };

const archiveFold = (objectives: readonly Objective[]): HistoryFold<Archive> =>
  new HistoryFold<Archive>({ members: [], seen: undefined }, (archive, trial) => {
    const point = judgedPoint(trial, objectives);
    if (point === undefined) return archive;
    return { members: withPoint(archive.members, { trial, point }), seen: widened(archive.seen, point) };
  });

/** Scales points so that members span [0, 1] in every objective; where members do not differ, all trials seen do. */
function scaling({ members, seen }: Archive): (point: Point) => Point {
  const own = members.map(({ point }) => point).reduce<Extent | undefined>(widened, undefined);
  if (own === undefined || seen === undefined) return (point) => point;
  const [low, spread] = [own, seen].reduceRight<readonly [number[], number[]]>(
    ([offsets, sizes], range) => {
      const spans = range.high.map((value, i) => value - range.low[i]);
      return [
        offsets.map((offset, i) => (spans[i] > 0 ? range.low[i] : offset)),
        sizes.map((size, i) => (spans[i] > 0 ? spans[i] : size)),
      ];
    },
    [[...own.low], own.low.map(() => 1)],
  );
  return (point) => point.map((value, i) => (value - low[i]) / spread[i]);
}

/** The distance of a point from being dominated: the additive epsilon indicator (Zitzler & Künzli 2004). */
const epsilonGain = (point: Point, front: readonly Point[]): number =>
  Math.min(...front.map((other) => Math.max(...other.map((value, i) => value - point[i]))));

/** The gain of a frontier by a further point. */
function gainOver(front: readonly Point[]): (point: Point) => number {
  const reference = front[0].map((_, i) => margin + Math.max(...front.map((point) => point[i])));
  return front[0].length <= maxObjectives
    ? (point) => hypervolumeImprovement(point, front, reference)
    : (point) => epsilonGain(point, front);
}

interface Neighbour {
  readonly parent: Member;
  readonly genotype: Genotype;
}

/** Draws neighbours of members that were never asked. */
class Neighbourhood {
  private readonly crowding: readonly number[];

  constructor(
    private readonly space: DecisionSpace,
    private readonly members: readonly Member[],
    private readonly asked: AskedIds,
    private readonly random: Random,
  ) {
    this.crowding = crowdingDistances(members.map(({ point }) => point));
  }

  /** A neighbour of a member, preferably of one with room around it on the frontier. Tries are bounded. */
  draw(): Neighbour {
    const { space, random } = this;
    for (let misses = 0; ; misses++) {
      const parent = this.members[this.pick()];
      let { genotype } = parent.trial;
      const steps = 1 + Math.floor(misses / patience);
      for (let step = 0; step < steps; step++) genotype = mutate(space, genotype, random);
      if (steps > space.decisions.length || !this.asked.has(genotypeId(genotype))) return { parent, genotype };
    }
  }

  private pick(): number {
    const { members, crowding, random } = this;
    const [a, b] = [random.int(members.length), random.int(members.length)];
    return crowding[b] > crowding[a] ? b : a;
  }
}

/** The expected point of a neighbour: its own cheap values, and values somewhat worse than its parent's otherwise. */
function expectation(objectives: readonly Objective[], context: AskContext, archive: Archive) {
  const scaled = scaling(archive);
  return ({ parent, genotype }: Neighbour): Point => {
    const cheap = context.cheap(genotype);
    const known = objectives.map(({ name }) => name in cheap);
    const own = objectives.map((objective, i) =>
      known[i] ? minimized(objective, cheap[objective.name]) : parent.point[i],
    );
    return scaled(own).map((value, i) => (known[i] ? value : value + expectedLoss));
  };
}

/**
 * Pareto local search (Paquete, Chiarandini & Stützle 2004) without repetition: a neighbour, one changed decision away, of
 * a member of the Pareto archive. Binary tournaments by crowding distance (Deb et al. 2002) choose the member. With cheap
 * objectives, the neighbour is the best of several draws by hypervolume gain, if its other objectives were somewhat worse
 * than its parent's. When nearly all neighbours were asked, more decisions change. The first trials are random.
 */
export const localStrategy: StrategyFactory = (config, { space, objectives }) => {
  const archives = archiveFold(objectives);
  const batch = objectives.some(({ cost }) => cost === 'cheap') ? compared : 1;
  return (context, random, asked) => {
    const archive = archives.at(context.history);
    const { members } = archive;
    if (context.number < (config.startup ?? startup) || members.length === 0) {
      return () => ({ genotype: sampleGenotype(space, random), reason: 'random: first trials' });
    }
    const neighbourhood = new Neighbourhood(space, members, asked, random);
    const front = members.map(({ point }) => point).map(scaling(archive));
    const [gain, expected] = [gainOver(front), expectation(objectives, context, archive)];
    const best = batch === 1 ? '' : `, most promising of ${batch} by its cheap objectives`;
    return bestFirst(() =>
      Array.from({ length: batch }, (): Scored => {
        const neighbour = neighbourhood.draw();
        const { parent, genotype } = neighbour;
        return {
          candidate: { genotype, reason: `neighbour of trial ${parent.trial.number}${best}` },
          score: batch === 1 ? 0 : gain(expected(neighbour)),
        };
      }),
    );
  };
};
