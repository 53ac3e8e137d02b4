import { invalidInput } from '../../base/errors.js';
import { Random } from '../../base/random.js';
import { mean, quantile } from '../../base/statistics.js';
import { ascending } from '../../latency-models/statistics.js';
import { fitSamples } from '../../latency-models/predictors/fit.js';
import { designSamples } from '../../latency-models/predictors/sample-design.js';
import { validate } from '../../latency-models/predictors/validation.js';
import type { DeviceTable } from './device-table.js';

/** Rows that a seed draws for the optimal design: this many, or this share of fewer rows. */
const poolRows = 2000;
const poolShare = 0.8;

export interface EvaluationProtocol {
  /** Measured networks of the target. */
  readonly samples: number;
  /** `auto`: by optimal design among rows that the seed draws; `random`: drawn by the seed. */
  readonly select: 'auto' | 'random';
  /** Share of the fastest and of the slowest rows that is left out of the test, in [0, 0.5). */
  readonly trim: number;
  /** Repetitions, with seeds 0, 1, ... */
  readonly seeds: number;
}

/** In the order in which they are shown. */
export const scores = ['spearman', 'kendall', 'mape', 'within5', 'within10', 'fitMs'] as const;
export type Score = (typeof scores)[number];

/** Mean and standard deviation over seeds. */
export interface MeanAndSd {
  readonly mean: number;
  readonly sd: number;
}

export interface TargetEvaluation {
  readonly target: string;
  /** Test rows per seed. */
  readonly tested: number;
  readonly scores: Readonly<Record<Score, MeanAndSd>>;
}

export interface EvaluationOptions {
  /** Clock for the times of fits. */
  readonly now: () => number;
  readonly onSeed?: (done: number, total: number) => void;
}

function meanAndSd(values: readonly number[]): MeanAndSd {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return { mean: centre, sd: values.length < 2 ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

const latenciesOf = ({ latencies }: DeviceTable, device: string): readonly number[] => {
  const found = latencies.get(device);
  if (found === undefined) throw new Error(`the table was read without ${device}`);
  return found;
};

/**
 * The protocol of few-shot latency prediction (HELP, Lee et al. 2021): for each target and seed, fit to a few of its rows,
 * and predict all others.
 * @throws NasError `invalid-input` when the table has too few rows.
 */
export function evaluateTable(
  table: DeviceTable,
  targets: readonly string[],
  protocol: EvaluationProtocol,
  options: EvaluationOptions,
): TargetEvaluation[] {
  const rows = table.profiles.length;
  if (rows < protocol.samples + 2)
    throw invalidInput(
      `the table has ${rows} rows; ${protocol.samples} samples and at least 2 rows to test on are needed`,
      { hint: 'Take fewer samples.' },
    );
  const designs = Array.from({ length: protocol.seeds }, (_, seed) => chooseRows(table, protocol, seed));
  let done = 0;
  return targets.map((target) => {
    const results = designs.map((chosen) => {
      const result = evaluateOnce(table, latenciesOf(table, target), chosen, protocol.trim, options.now);
      options.onSeed?.(++done, targets.length * designs.length);
      return result;
    });
    return {
      target,
      tested: results[0].tested,
      scores: Object.fromEntries(
        scores.map((score) => [score, meanAndSd(results.map((result) => result[score]))]),
      ) as Record<Score, MeanAndSd>,
    };
  });
}

/** The measured rows of a seed. */
function chooseRows(
  { catalogue, profiles }: DeviceTable,
  { samples, select }: EvaluationProtocol,
  seed: number,
): number[] {
  const random = new Random(seed, 'evaluation');
  const shuffled = random.shuffle([...profiles.keys()]);
  if (select === 'random') return shuffled.slice(0, samples);
  const size = Math.max(samples, Math.min(poolRows, Math.ceil(poolShare * profiles.length)));
  const pool = shuffled.slice(0, size);
  const design = designSamples(
    catalogue,
    pool.map((row) => profiles[row]),
    samples,
  );
  return design.map((i) => pool[i]);
}

function evaluateOnce(
  table: DeviceTable,
  latencies: readonly number[],
  chosen: readonly number[],
  trim: number,
  now: () => number,
) {
  const began = now();
  const model = fitSamples(
    table.catalogue,
    chosen.map((row) => ({ profile: table.profiles[row], ms: latencies[row] })),
  );
  const fitMs = now() - began;
  const sampled = new Set(chosen);
  const sorted = ascending(latencies);
  const [low, high] = [quantile(sorted, trim), quantile(sorted, 1 - trim)];
  const pairs = table.profiles.flatMap((profile, row) => {
    const measured = latencies[row];
    if (sampled.has(row) || measured < low || measured > high) return [];
    return [{ predicted: model.predictProfile(table.catalogue, profile).ms, measured }];
  });
  return { ...validate(pairs), tested: pairs.length, fitMs };
}

/** The mean over targets; standard deviations over seeds are averaged. */
export function meanOver(evaluations: readonly TargetEvaluation[]): Record<Score, MeanAndSd> {
  return Object.fromEntries(
    scores.map((score) => [
      score,
      {
        mean: mean(evaluations.map((evaluation) => evaluation.scores[score].mean)),
        sd: mean(evaluations.map((evaluation) => evaluation.scores[score].sd)),
      },
    ]),
  ) as Record<Score, MeanAndSd>;
}
