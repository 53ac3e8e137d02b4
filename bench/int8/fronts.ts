import { defaultProtocol } from '../../latency-models/index.js';
import { hypervolume, justBeyond, nonDominated } from '../../search/index.js';
import { loadExperiment, isTrainingExperiment } from '../../experiments/index.js';
import { describeDataset, prepareDataset, renderingOf } from '../../trainers/index.js';
import { agreement, predictionsOf, logitsOf, labelsOf } from './answers.js';
import { imagesOf } from './images.js';
import { finishedRun, type Candidate, type SearchOptions } from './search.js';
import { timeModels } from './timing.js';

/** A candidate evaluated under the same conditions as all others. */
interface Evaluated extends Omit<Candidate, 'model' | 'size' | 'latencyKey'> {
  /** Validation error in exact arithmetic. */
  readonly error: number;
  /** CPU time in ms for one image, measured side by side with all others. */
  readonly ms: number;
}

/** The frontier of one search, in its own precision or quantized afterwards. */
export interface Front {
  readonly name: string;
  /** Wall seconds of the search. */
  readonly seconds: number;
  readonly candidates: readonly Evaluated[];
  /** Relative to the hypervolume of all candidates. */
  readonly hypervolume: number;
  /** Number of candidates on the frontier of fp32 alone that this frontier dominates. */
  readonly dominated: number;
}

async function evaluate(
  candidates: readonly Candidate[],
  options: SearchOptions & { readonly blocks: number },
): Promise<Evaluated[]> {
  const { experiment } = loadExperiment(options.experiment);
  if (!isTrainingExperiment(experiment)) throw new Error(`${options.experiment} trains no networks`);
  const renderings = candidates.map(({ size }) => ({ ...renderingOf(experiment.data), size }));
  const dataset = await prepareDataset(experiment.data, { renderings });
  const { classes, channels } = describeDataset(dataset);
  const protocol = { ...defaultProtocol, minBlocks: Math.min(15, options.blocks), maxBlocks: options.blocks };
  // A network found by both runs is timed once, so that noise cannot separate the two.
  const distinct = new Map(candidates.map(({ latencyKey, model }) => [latencyKey, model]));
  const timed = await timeModels([...distinct.values()], 1, protocol);
  const times = new Map([...distinct.keys()].map((key, i) => [key, timed[i].cpu]));
  const evaluated: Evaluated[] = [];
  for (const { model, size, latencyKey, ...candidate } of candidates) {
    const batches = await imagesOf(dataset, 'validation', { size });
    const logits = await logitsOf(model, batches, [...size, channels], { exactIntegers: true });
    const accuracy = agreement(predictionsOf(logits, classes.length), labelsOf(batches, classes.length));
    evaluated.push({ ...candidate, error: 1 - accuracy, ms: times.get(latencyKey) ?? NaN });
  }
  return evaluated;
}

const point = ({ error, ms }: Evaluated): readonly [number, number] => [error, ms];
const dominates = (a: Evaluated, b: Evaluated): boolean =>
  a.error <= b.error && a.ms <= b.ms && (a.error < b.error || a.ms < b.ms);

/**
 * Compares the frontiers of the experiment with float networks alone and with int8 candidates, for equal trials and epochs, and
 * the float frontier quantized afterwards: validation error, and latency measured side by side.
 */
export async function compareSearches(options: SearchOptions & { readonly blocks: number }): Promise<Front[]> {
  const float = await finishedRun('fp32 alone', options);
  const integer = await finishedRun('with int8', options);
  const evaluated = await evaluate([...float.frontier, ...float.afterwards, ...integer.frontier], options);
  const [own, after, mixed] = [
    evaluated.slice(0, float.frontier.length),
    evaluated.slice(0, float.frontier.length + float.afterwards.length),
    evaluated.slice(float.frontier.length + float.afterwards.length),
  ];
  const ranges = [0, 1].map((axis) => {
    const values = evaluated.map((candidate) => point(candidate)[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const normalised = (candidates: readonly Evaluated[]): number[][] =>
    candidates.map((candidate) =>
      point(candidate).map((v, axis) => (v - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0] || 1)),
    );
  const whole = hypervolume(normalised(evaluated), justBeyond(2));
  const front = (name: string, seconds: number, candidates: readonly Evaluated[]): Front => ({
    name,
    seconds,
    candidates: nonDominated(candidates.map(point)).map((i) => candidates[i]),
    hypervolume: hypervolume(normalised(candidates), justBeyond(2)) / whole,
    dominated: own.filter((other) => candidates.some((candidate) => dominates(candidate, other))).length,
  });
  return [
    front('fp32 alone', float.seconds, own),
    front('fp32 alone, quantized afterwards', float.seconds, after),
    front('with int8', integer.seconds, mixed),
  ];
}
