import { describe, expect, it } from 'vitest';
import { rangesOf, Texts } from '../../../ui/data/texts.js';

const textOf = (number: number) => ({ number, genotypeId: '', reason: `r${number}`, message: null, pending: [] });

/** The texts of a run of 3,000 trials, and the requested ranges. */
function textsOfRun(ended: (number: number) => boolean = () => true) {
  const asked: string[] = [];
  const texts = new Texts((from, to) => {
    asked.push(`${from}-${to}`);
    return Promise.resolve(Array.from({ length: Math.max(Math.min(to, 3000) - from, 0) }, (_, i) => textOf(from + i)));
  }, ended);
  return { asked, texts };
}
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('texts of trials', () => {
  it('are requested in few ranges of at most 1000', () => {
    expect(rangesOf([7, 3, 5, 500])).toEqual([
      [3, 8],
      [500, 501],
    ]);
    const all = rangesOf(Array.from({ length: 2500 }, (_, i) => i));
    expect(all).toEqual([
      [0, 1000],
      [1000, 2000],
      [2000, 2500],
    ]);
  });

  it('are fetched once, when they are needed', async () => {
    const { asked, texts } = textsOfRun();
    texts.want([1, 2, 3]);
    texts.want([1, 2, 3]);
    await settled();
    texts.want([2, 3, 4]);
    await settled();
    expect(asked).toEqual(['1-4', '4-5']);
    expect(texts.of(4)?.reason).toBe('r4');
    expect(texts.version.value).toBe(2);
  });

  it('are fetched again after their trial has ended', async () => {
    let over = false;
    const { asked, texts } = textsOfRun(() => over);
    texts.want([5]);
    await settled();
    texts.want([5]);
    await settled();
    over = true;
    texts.want([5]);
    await settled();
    expect(asked).toEqual(['5-6', '5-6']);
  });

  it('of rows that are no longer visible are dropped from the queue', async () => {
    const { asked, texts } = textsOfRun();
    texts.want([0, 200, 400, 600, 800, 1000]);
    texts.want([2000]);
    await settled();
    expect(asked).toEqual(['0-1', '200-201', '400-401', '2000-2001']);
    texts.want([1000]);
    await settled();
    expect(texts.of(1000)?.reason).toBe('r1000');
  });

  it('can all be fetched, with progress', async () => {
    const { asked, texts } = textsOfRun();
    const done: number[] = [];
    await texts.all(
      Array.from({ length: 2500 }, (_, i) => i),
      (here) => done.push(here),
    );
    expect(asked).toHaveLength(3);
    expect(done).toEqual([1000, 2000, 2500]);
  });

  it('are requested again after a failure', async () => {
    let broken = true;
    const texts = new Texts(
      (from) => (broken ? Promise.reject(new Error('gone')) : Promise.resolve([textOf(from)])),
      () => true,
    );
    texts.want([3]);
    await settled();
    expect(texts.of(3)).toBeUndefined();
    broken = false;
    texts.want([3]);
    await settled();
    expect(texts.of(3)?.reason).toBe('r3');
  });
});
