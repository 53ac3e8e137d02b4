import { expect, it } from 'vitest';
import { Random } from '../../../base/random.js';
import { createScoreboard } from '../../../base/scoreboard.js';
import {
  columnsOf,
  metricsOf,
  outputScores,
  type OutputColumn,
  scoreError,
  type Scores,
} from '../../../base/scores.js';
import type { LearningTask } from '../../../base/task.js';
import { metricErrors, outputErrors } from '../../../reports/read-model/score-errors.js';

const images = 300;

/** Standard error of a score from its values without each image. */
function jackknife(scores: readonly number[]): number {
  const mean = scores.reduce((sum, score) => sum + score, 0) / images;
  return Math.sqrt(((images - 1) / images) * scores.reduce((sum, score) => sum + (score - mean) ** 2, 0));
}

function scoresOf(task: LearningTask, rows: readonly Row[], left: number | null): Scores {
  const used = rows.filter((_, i) => i !== left);
  const [outputs] = used;
  const board = createScoreboard(task, outputs.target.length);
  const flat = (of: (row: Row) => readonly number[]) => Float32Array.from(used.flatMap(of));
  board.add(
    flat(({ output }) => output),
    flat(({ target }) => target),
    used.length,
  );
  return board.scores();
}

interface Row {
  readonly output: readonly number[];
  readonly target: readonly number[];
}

const random = new Random(1, 'errors');
const rows = (make: (noise: () => number) => Row): Row[] =>
  Array.from({ length: images }, () => make(() => random.normal()));

const within = (found: number | undefined, expected: number): void =>
  expect(Math.abs((found ?? NaN) / expected - 1)).toBeLessThan(0.05);

const cases: readonly (readonly [LearningTask, readonly Row[]])[] = [
  [
    { type: 'regression', mean: [0, 0], std: [2, 0.5] },
    rows((noise) => {
      const target = [noise(), noise()];
      return { target, output: target.map((value) => 0.8 * value + 0.4 * noise()) };
    }),
  ],
  [
    { type: 'multi-label' },
    rows((noise) => {
      const hidden = [noise() - 0.5, noise() - 1, noise()];
      // Rounded, so that some images have equal outputs.
      return {
        target: hidden.map((z) => Number(z > 0)),
        output: hidden.map((z) => Math.round(10 * (z + noise())) / 10),
      };
    }),
  ],
  [
    { type: 'classification' },
    rows((noise) => {
      const actual = Math.min(2, Math.floor(Math.abs(noise()) * 1.5));
      const target = [0, 1, 2].map((c) => Number(c === actual));
      return { target, output: target.map((y) => 1.5 * y + noise()) };
    }),
  ],
];

for (const [task, own] of cases)
  it(`standard errors of ${task.type} are those of leaving out one image after the other`, () => {
    const { details } = scoresOf(task, own, null);
    const without = own.map((_, left) => scoresOf(task, own, left));
    within(scoreError(details), jackknife(without.map(({ accuracy }) => accuracy)));
    const errors = metricErrors(details);
    const names = Object.keys(metricsOf(details)) as (keyof typeof errors)[];
    expect(Object.keys(errors).sort()).toEqual([...names].sort());
    for (const name of names)
      within(errors[name], jackknife(without.map((scores) => metricsOf(scores.details)[name] ?? NaN)));
    const [ofFirst] = outputErrors(details);
    const columns = columnsOf(outputScores(details)[0]).filter((column) => column !== 'count');
    expect(Object.keys(ofFirst).sort()).toEqual(columns.sort());
    const outputs = without.map(
      (scores): Readonly<Partial<Record<OutputColumn, number | null>>> => outputScores(scores.details)[0],
    );
    for (const column of columns) within(ofFirst[column], jackknife(outputs.map((output) => output[column] ?? NaN)));
  });
