import { Random } from '../../base/random.js';
import { median } from '../../latency-models/statistics.js';
import {
  createController,
  searchSchema,
  type ControllerName,
  type Objective,
  type TrialResult,
  type Values,
} from '../../search/index.js';
import {
  cellEdges,
  cellOps,
  costs,
  createSpace,
  genotypeId,
  sampleGenotype,
  spaceSchema,
  spaceSize,
  tableSpace,
  type DecisionSpace,
  type Genotype,
} from '../../spaces/index.js';

/** A search problem with synthetic objectives, on which asks are timed. */
export interface AskProblem {
  readonly name: string;
  readonly space: DecisionSpace;
  /** Latency on a synthetic device in ms. */
  readonly latency: (genotype: Genotype) => number;
  /** Synthetic accuracy in [0, 1]. */
  readonly accuracy: (genotype: Genotype) => number;
}

/** NAS-Bench-201 cells as a table, and a space of inverted residuals at 224 x 224 pixels. */
export async function askProblems(): Promise<AskProblem[]> {
  const cells = tableSpace(
    'cells',
    cellEdges.map((name) => ({ name, choices: [...cellOps] })),
  );
  const task = { input: [224, 224, 3], classes: 1000 } as const;
  const mobilenet = await createSpace(spaceSchema.parse({ type: 'mobilenet' }), task);
  const work = (genotype: Genotype): number => costs(mobilenet.build(genotype)).macs;
  const cost = [0, 0.1, 1, 3, 0.5];
  return [
    {
      name: 'cells',
      space: cells,
      latency: (genotype) => genotype.reduce((sum, op, i) => sum + cost[op] * (1 + i / 10), 1),
      accuracy: (genotype) => 1 - 1 / (1.5 + genotype.reduce((sum, op, i) => sum + cost[op] / (1 + (i % 3)), 0)),
    },
    {
      name: 'mobilenet',
      space: mobilenet,
      latency: (genotype) => work(genotype) / 1e8,
      accuracy: (genotype) =>
        1 - 1 / Math.log10(work(genotype)) - 0.01 * genotype.reduce((sum, index, i) => sum + ((index + i) % 3), 0),
    },
  ];
}

export interface AskTimes {
  /** Time of a new controller's first ask in ms, as after a resume. */
  readonly first: number;
  /** Median and maximum of the following asks in ms; each adds one result to the history. */
  readonly median: number;
  readonly longest: number;
}

/** CPU times of `asks` asks after `finished` trials of random networks. @param asks even, at least 2. */
export function timeAsks(
  controllerName: ControllerName,
  problem: AskProblem,
  latencyCost: Objective['cost'],
  finished: number,
  asks: number,
): AskTimes {
  const { space, latency, accuracy } = problem;
  const objectives: readonly Objective[] = [
    { name: 'accuracy', direction: 'maximize', cost: 'expensive' },
    { name: 'latency_ms', direction: 'minimize', cost: latencyCost },
  ];
  const result = (number: number, genotype: Genotype): TrialResult => ({
    number,
    genotype,
    state: 'complete',
    values: { accuracy: accuracy(genotype), latency_ms: latency(genotype) },
  });
  const random = new Random(1, 'history');
  const distinct = new Map<string, Genotype>();
  while (distinct.size < finished) {
    const genotype = sampleGenotype(space, random);
    distinct.set(genotypeId(genotype), genotype);
  }
  const history = [...distinct.values()].map((genotype, number) => result(number, genotype));
  const controller = createController(controllerName, searchSchema.parse({}), {
    space,
    objectives,
    seed: 1,
  });
  const cheap = (genotype: Genotype): Values => (latencyCost === 'cheap' ? { latency_ms: latency(genotype) } : {});
  const times: number[] = [];
  for (let i = 0; i < asks; i++) {
    const start = process.cpuUsage();
    const { genotype } = controller.ask({ number: history.length, history, pending: [], cheap });
    const { user, system } = process.cpuUsage(start);
    times.push((user + system) / 1000);
    history.push(result(history.length, genotype));
  }
  return { first: times[0], median: median(times.slice(1)), longest: Math.max(...times.slice(1)) };
}

/** The number of networks in a space, to two digits. */
export const sizeOf = (space: DecisionSpace): string => Number(spaceSize(space)).toPrecision(2);
