import { describe, expect, it } from 'vitest';
import { averagedAnswers, averagedViews, meanOfRows, mixedAnswers } from '../../../trainers/data/lesson.js';

describe('averagedViews', () => {
  const augment = [{ type: 'flip' }] as const;

  it('is larger where images are few, and a power of two, so that a batch holds all views of its images', () => {
    const counts = [10, 900, 1000, 2000, 4000, 8000, 45_000, 1e6];
    expect(counts.map((images) => averagedViews(images, augment))).toEqual([16, 16, 16, 8, 4, 4, 4, 4]);
  });

  it('is 1 where all views are the same', () => {
    expect(averagedViews(10, [])).toBe(1);
  });
});

describe('mixed answers', () => {
  const row = (...values: number[]): Float32Array => Float32Array.from(values);

  it('of classes are mixtures of probabilities', () => {
    const sure = [row(30, 0, 0), row(0, 0, 30)];
    const mixed = mixedAnswers.classification(sure, [0.3, 0.7]).map(Math.exp);
    for (const [i, p] of [0.3, 0, 0.7].entries()) expect(mixed[i]).toBeCloseTo(p, 6);
  });

  it('of labels are mixtures of each probability, and of numbers of the numbers', () => {
    const mixed = mixedAnswers['multi-label']([row(30, -30), row(-30, -30)], [0.25, 0.75]);
    expect(1 / (1 + Math.exp(-mixed[0]))).toBeCloseTo(0.25, 6);
    expect(mixed[1]).toBeLessThan(-20);
    expect([...mixedAnswers.regression([row(4, 8), row(0, 16)], [0.75, 0.25])]).toEqual([3, 10]);
  });

  it('of several teachers are means, cell by cell', () => {
    const mean = averagedAnswers('segmentation', [row(30, 0, 0, 30), row(0, 30, 0, 30)], 2).map(Math.exp);
    for (const [i, p] of [0.5, 0.5, 0, 1].entries()) expect(mean[i]).toBeCloseTo(p, 6);
  });
});

describe('meanOfRows', () => {
  it('is the mean of the views of each image', () => {
    const rows = Float32Array.of(1, 10, 3, 20, 5, 30, 7, 50);
    expect([...meanOfRows(rows, 2, 2)]).toEqual([2, 15, 6, 40]);
    expect(meanOfRows(rows, 1, 2)).toBe(rows);
  });
});
