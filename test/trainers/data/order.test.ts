import { describe, expect, it } from 'vitest';
import { balancedPasses, repeatedPasses, sideBySide } from '../../../trainers/data/order.js';

/** 60 images of class 0, 12 of class 1, 3 of class 2; class 3 has none. */
const labels = Uint16Array.from({ length: 75 }, (_, i) => (i < 60 ? 0 : i < 72 ? 1 : 2));

describe('balanced passes', () => {
  const passes = balancedPasses(labels, 4, 7);
  const countsOf = (positions: Uint32Array): Map<number, number> => {
    const counts = new Map<number, number>();
    for (const position of positions) counts.set(position, (counts.get(position) ?? 0) + 1);
    return counts;
  };

  it('show as many images of each class, and all images of a rare class equally often', () => {
    const { positions } = passes(0);
    expect(positions).toHaveLength(75);
    const counts = countsOf(positions);
    const perClass = [0, 0, 0];
    for (const [position, count] of counts) perClass[labels[position]] += count;
    expect(perClass).toEqual([25, 25, 25]);
    expect(Math.max(...[...counts].filter(([position]) => position < 60).map(([, count]) => count))).toBe(1);
    const ofClass = (label: number) => [...counts].filter(([p]) => labels[p] === label).map(([, count]) => count);
    expect(ofClass(1).sort()).toEqual([...Array<number>(11).fill(2), 3]);
    expect(ofClass(2).sort()).toEqual([8, 8, 9]);
  });

  it('share out the rest where classes do not divide the images', () => {
    const three = balancedPasses(Uint16Array.of(0, 0, 0, 1, 2), 3, 1);
    const seen = new Set<string>();
    for (let pass = 0; pass < 20; pass++) {
      const perClass = [0, 0, 0];
      for (const position of three(pass).positions) perClass[Uint16Array.of(0, 0, 0, 1, 2)[position]]++;
      expect([...perClass].sort()).toEqual([1, 2, 2]);
      seen.add(String(perClass));
    }
    expect(seen.size).toBe(3);
  });

  it('never show the same view of an image twice', () => {
    const seen = new Set<string>();
    for (let pass = 0; pass < 6; pass++) {
      const { positions, views } = passes(pass);
      for (const [i, position] of positions.entries()) seen.add(`${position} ${views[i]}`);
    }
    expect(seen.size).toBe(6 * 75);
  });

  it('depend on nothing but labels, seed and pass', () => {
    expect(balancedPasses(labels, 4, 7)(3)).toEqual(passes(3));
    expect(passes(3).positions).not.toEqual(passes(4).positions);
    expect(balancedPasses(labels, 4, 8)(3).positions).not.toEqual(passes(3).positions);
  });
});

describe('repeated passes', () => {
  /** 84 images of class 0, 12 of them of class 1, too; 4 of class 2 alone; and 12 without an object. */
  const classesOf = Array.from({ length: 100 }, (_, i) => new Set(i < 12 ? [0, 1] : i < 84 ? [0] : i < 88 ? [2] : []));
  const passes = repeatedPasses(classesOf, 5);
  const shown = Array.from({ length: 300 }, (_, pass) => passes(pass));

  it('show images of rare classes more often, by the square root of how rare they are', () => {
    const total = 12 * Math.sqrt(84 / 12) + 72 + 4 * Math.sqrt(84 / 4) + 12;
    const share = (from: number, to: number): number =>
      shown.reduce((sum, { positions }) => sum + positions.filter((p) => p >= from && p < to).length, 0) / (300 * 100);
    expect(share(0, 12)).toBeCloseTo((12 * Math.sqrt(84 / 12)) / total, 2);
    expect(share(84, 88)).toBeCloseTo((4 * Math.sqrt(84 / 4)) / total, 2);
    expect(share(88, 100)).toBeCloseTo(12 / total, 2);
    for (const { positions } of shown) expect(positions).toHaveLength(100);
  });

  it('never show the same view of an image twice', () => {
    const seen = new Set(shown.flatMap(({ positions, views }) => [...positions].map((p, i) => `${p} ${views[i]}`)));
    expect(seen.size).toBe(300 * 100);
  });

  it('depend on nothing but classes, seed and pass; without boxes they show each image once', () => {
    expect(repeatedPasses(classesOf, 5)(7)).toEqual(passes(7));
    const { positions, views } = repeatedPasses([new Set(), new Set(), new Set()], 1)(0);
    expect([[...positions].sort(), [...views]]).toEqual([
      [0, 1, 2],
      [0, 0, 0],
    ]);
  });
});

describe('views side by side', () => {
  it('follow each other in the order of the split', () => {
    const { positions, views } = sideBySide(2, 3);
    expect([[...positions], [...views]]).toEqual([
      [0, 0, 0, 1, 1, 1],
      [0, 1, 2, 0, 1, 2],
    ]);
  });
});
