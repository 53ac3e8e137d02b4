import { defaultProtocol } from '../../latency-models/index.js';
import { hypervolume, justBeyond, nonDominated } from '../../search/index.js';
import { loadExperiment, isTableExperiment } from '../../experiments/index.js';
import { describeDataset, prepareDataset } from '../../trainers/index.js';
import { agreement, answersOf, logitsOf, truths } from './answers.js';
import { imagesOf } from './images.js';
import { finishedRun, type Candidate, type SearchOptions } from './search.js';
import { timeModels } from './timing.js';

/** A candidate, judged as all others are. */
interface Judged extends Omit<Candidate, 'model' | 'size' | 'latencyKey'> {
  /** Of the validation images, in exact arithmetic. */
  readonly error: number;
  /** Processor ms for one image, side by side with all others. */
  readonly ms: number;
}

/** What was found in one way. */
export interface Front {
  readonly name: string;
  /** Of the search, in seconds. */
  readonly seconds: number;
  readonly candidates: readonly Judged[];
  /** As a share of what the candidates of all ways together dominate. */
  readonly hypervolume: number;
  /** How many of the frontier of fp32 alone are dominated by a candidate of this. */
  readonly dominated: number;
}

async function judge(
  candidates: readonly Candidate[],
  options: SearchOptions & { readonly blocks: number },
): Promise<Judged[]> {
  const { experiment } = loadExperiment(options.experiment);
  if (isTableExperiment(experiment)) throw new Error(`${options.experiment} is an experiment on a table`);
  const dataset = await prepareDataset(experiment.data);
  const { classes, channels } = describeDataset(dataset);
  const protocol = { ...defaultProtocol, minBlocks: Math.min(15, options.blocks), maxBlocks: options.blocks };
  // Both runs may have found the same network: it is timed once, so that noise makes no difference between them.
  const different = new Map(candidates.map(({ latencyKey, model }) => [latencyKey, model]));
  const timed = await timeModels([...different.values()], 1, protocol);
  const times = new Map([...different.keys()].map((key, i) => [key, timed[i].cpu]));
  const judged: Judged[] = [];
  for (const { model, size, latencyKey, ...candidate } of candidates) {
    const batches = await imagesOf(dataset, 'validation', { size });
    const logits = await logitsOf(model, batches, [...size, channels], { exactIntegers: true });
    const right = agreement(answersOf(logits, classes.length), truths(batches, classes.length));
    judged.push({ ...candidate, error: 1 - right, ms: times.get(latencyKey) ?? NaN });
  }
  return judged;
}

const point = ({ error, ms }: Judged): readonly [number, number] => [error, ms];
const dominates = (a: Judged, b: Judged): boolean =>
  a.error <= b.error && a.ms <= b.ms && (a.error < b.error || a.ms < b.ms);

/**
 * The experiment with float networks alone and with int8 candidates, equal in trials and epochs: their frontiers, and the
 * former's with its networks quantized afterwards, on validation images and latencies taken side by side.
 */
export async function compareSearches(options: SearchOptions & { readonly blocks: number }): Promise<Front[]> {
  const float = await finishedRun('fp32 alone', options);
  const integer = await finishedRun('with int8', options);
  const judged = await judge([...float.frontier, ...float.afterwards, ...integer.frontier], options);
  const [own, after, mixed] = [
    judged.slice(0, float.frontier.length),
    judged.slice(0, float.frontier.length + float.afterwards.length),
    judged.slice(float.frontier.length + float.afterwards.length),
  ];
  const ranges = [0, 1].map((axis) => {
    const values = judged.map((candidate) => point(candidate)[axis]);
    return [Math.min(...values), Math.max(...values)] as const;
  });
  const placed = (candidates: readonly Judged[]): number[][] =>
    candidates.map((candidate) =>
      point(candidate).map((v, axis) => (v - ranges[axis][0]) / (ranges[axis][1] - ranges[axis][0] || 1)),
    );
  const whole = hypervolume(placed(judged), justBeyond(2));
  const front = (name: string, seconds: number, candidates: readonly Judged[]): Front => ({
    name,
    seconds,
    candidates: nonDominated(candidates.map(point)).map((i) => candidates[i]),
    hypervolume: hypervolume(placed(candidates), justBeyond(2)) / whole,
    dominated: own.filter((other) => candidates.some((candidate) => dominates(candidate, other))).length,
  });
  return [
    front('fp32 alone', float.seconds, own),
    front('fp32 alone, quantized afterwards', float.seconds, after),
    front('with int8', integer.seconds, mixed),
  ];
}
