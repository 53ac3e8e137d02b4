import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import {
  assignedCode,
  labelStrata,
  noGroup,
  splitImages,
  type ImageTable,
} from '../../../trainers/data/split-images.js';
import { splitNames, type SplitName, type SplitShares } from '../../../trainers/index.js';

interface Image {
  readonly label: number;
  readonly key: number;
  readonly assigned: SplitName | null;
}

const tableOf = (images: readonly Image[]): ImageTable => ({
  count: images.length,
  labels: Uint16Array.from(images, ({ label }) => label),
  keys: Float64Array.from(images, ({ key }) => key),
  assigned: Uint8Array.from(images, ({ assigned }) => assignedCode(assigned)),
  groups: null,
});

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `class ${i}`);
const perClass = (table: ImageTable, indices: Uint32Array, label: number): number =>
  indices.filter((i) => table.labels[i] === label).length;

const key = fc.integer({ min: 0, max: 2 ** 52 - 1 });
const shares: fc.Arbitrary<SplitShares> = fc.record({
  test: fc.double({ min: 0.01, max: 0.9, noNaN: true }),
  validation: fc.double({ min: 0.01, max: 0.9, noNaN: true }),
  subset: fc.constant(1),
});
/** Two to five classes of 3 to 40 images, none assigned, in any order. */
const images: fc.Arbitrary<Image[]> = fc
  .array(fc.array(key, { minLength: 3, maxLength: 40 }), { minLength: 2, maxLength: 5 })
  .chain((classes) => {
    const all = classes.flatMap((keys, label) => keys.map((value) => ({ label, key: value, assigned: null })));
    return fc.shuffledSubarray(all, { minLength: all.length });
  });

describe('splitImages', () => {
  it('covers everything once, with increasing indices', () => {
    fc.assert(
      fc.property(images, shares, (list, share) => {
        const split = splitImages(tableOf(list), namesOf(5).slice(0, 1 + Math.max(...list.map((i) => i.label))), share);
        const all = splitNames.flatMap((name) => [...split[name]]);
        expect(all.sort((a, b) => a - b)).toEqual(list.map((_, i) => i));
        for (const name of splitNames) expect([...split[name]]).toEqual([...split[name]].sort((a, b) => a - b));
      }),
    );
  });

  it('gives every class its share of each split to within one image', () => {
    fc.assert(
      fc.property(images, shares, (list, share) => {
        const table = tableOf(list);
        const classes = 1 + Math.max(...table.labels);
        const split = splitImages(table, namesOf(classes), share);
        for (let label = 0; label < classes; label++) {
          const total = list.filter((image) => image.label === label).length;
          const test = perClass(table, split.test, label);
          const validation = perClass(table, split.validation, label);
          const train = perClass(table, split.train, label);
          expect(Math.min(test, validation, train)).toBeGreaterThanOrEqual(1);
          // At most one off, unless a split would otherwise be empty.
          const wantedTest = Math.min(Math.max(total * share.test, 1), total - 2);
          const wantedValidation = Math.min(Math.max((total - test) * share.validation, 1), total - test - 1);
          expect(Math.abs(test - wantedTest)).toBeLessThanOrEqual(1);
          expect(Math.abs(validation - wantedValidation)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('depends on the images, not on their order', () => {
    fc.assert(
      fc.property(images, shares, fc.infiniteStream(fc.nat()), (list, share, order) => {
        // Distinct keys, so that an image can be recognised in the other order.
        const distinct = list.map((image, i) => ({ ...image, key: i * 1009 + (image.key % 1009) }));
        const ranks = new Map(distinct.map((image) => [image, order.next().value]));
        const shuffled = [...distinct].sort((a, b) => Number(ranks.get(a)) - Number(ranks.get(b)));
        const classes = namesOf(1 + Math.max(...list.map(({ label }) => label)));
        const keysOf = (of: readonly Image[]) => {
          const split = splitImages(tableOf(of), classes, share);
          return splitNames.map((name) => [...split[name]].map((i) => of[i].key).sort((a, b) => a - b));
        };
        expect(keysOf(shuffled)).toEqual(keysOf(distinct));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps images that occur twice in training, even under different labels', () => {
    const twice = [5, 17];
    const list: Image[] = Array.from({ length: 60 }, (_, i) => ({ label: i % 2, key: i, assigned: null }));
    list.push(...twice.map((i) => ({ ...list[i], label: 1 })));
    const split = splitImages(tableOf(list), namesOf(2), { test: 0.3, validation: 0.3, subset: 1 });
    for (const i of [...twice, 60, 61]) expect([...split.train]).toContain(i);
  });

  it('keeps what the source assigns and takes only validation from training', () => {
    fc.assert(
      fc.property(images, shares, (list, share) => {
        const test = list.map((image, i) => ({ ...image, key: i, assigned: 'test' as const }));
        const train = list.map((image, i) => ({ ...image, key: i + 1000, assigned: 'train' as const }));
        const classes = namesOf(1 + Math.max(...list.map(({ label }) => label)));
        const split = splitImages(tableOf([...test, ...train]), classes, share);
        expect([...split.test]).toEqual(test.map((_, i) => i));
        expect(split.train.length + split.validation.length).toBe(train.length);
      }),
    );
  });

  it('makes smaller subsets parts of larger ones and leaves the other splits alone', () => {
    const list: Image[] = Array.from({ length: 400 }, (_, i) => ({
      label: i % 4,
      key: (i * 7919) % 4001,
      assigned: null,
    }));
    const at = (subset: number) => splitImages(tableOf(list), namesOf(4), { test: 0.2, validation: 0.1, subset });
    const [tenth, half, all] = [at(0.1), at(0.5), at(1)];
    expect(all.train.length).toBe(288);
    expect(half.train.length).toBe(144);
    expect(tenth.train.length).toBe(28);
    const inHalf = new Set(half.train);
    expect([...tenth.train].every((i) => inHalf.has(i))).toBe(true);
    expect(tenth.validation).toEqual(all.validation);
    expect(tenth.test).toEqual(all.test);
  });

  it('refuses a class with too few images, by name', () => {
    const list: Image[] = [0, 0, 0, 0, 1, 1].map((label, i) => ({ label, key: i, assigned: null }));
    const attempt = () =>
      splitImages(tableOf(list), ['class cat', 'class dog'], { test: 0.2, validation: 0.1, subset: 1 });
    expect(attempt).toThrow(NasError);
    expect(attempt).toThrow('class dog has 2 images to train on; at least 3 are needed');
  });
});

describe('splits of groups', () => {
  const shares = { test: 0.2, validation: 0.2, subset: 1 };
  /** `perGroup` images in each group; the classes take turns within a group or between groups. */
  const grouped = (count: number, perGroup: number, mixed: boolean): ImageTable => ({
    ...tableOf(
      Array.from({ length: count }, (_, i) => ({
        label: (mixed ? i : Math.floor(i / perGroup)) % 2,
        key: (i * 7919) % 10007,
        assigned: null,
      })),
    ),
    groups: Uint32Array.from({ length: count }, (_, i) => Math.floor(i / perGroup)),
  });

  it.each([
    ['of one class each', grouped(200, 5, false)],
    ['of both classes', grouped(200, 5, true)],
    [
      'of unequal size',
      { ...grouped(200, 5, true), groups: Uint32Array.from({ length: 200 }, (_, i) => Math.floor(Math.sqrt(i))) },
    ],
  ])('keep each group in one split and the shares nearly: %s', (_, table) => {
    const split = splitImages(table, namesOf(2), shares);
    const splitOf = new Map<number, string>();
    for (const name of splitNames)
      for (const i of split[name]) {
        const group = table.groups?.[i] ?? -1;
        expect(splitOf.get(group) ?? name).toBe(name);
        splitOf.set(group, name);
      }
    expect(split.train.length + split.validation.length + split.test.length).toBe(200);
    for (const label of [0, 1]) {
      expect(perClass(table, split.test, label)).toBeGreaterThan(10);
      expect(perClass(table, split.test, label)).toBeLessThan(32);
      expect(perClass(table, split.train, label)).toBeGreaterThan(45);
    }
    expect(splitImages(table, namesOf(2), shares)).toEqual(split);
  });

  it('split images without a group one by one', () => {
    const table = { ...grouped(40, 1, true), groups: new Uint32Array(40).fill(noGroup) };
    expect(splitImages(table, namesOf(2), shares).test).toHaveLength(8);
  });

  it('refuse a class whose images are all in one group', () => {
    const table = { ...grouped(40, 20, false), groups: Uint32Array.from({ length: 40 }, (_, i) => (i < 20 ? 0 : i)) };
    expect(() => splitImages(table, namesOf(2), shares)).toThrow('the groups of class 0 cannot be split');
  });
});

describe('strata of labels', () => {
  const names = ['common', 'rare', 'single'];
  /** 200 images: half are common, 12 rare, one single; assigned to no split. */
  const targets = Float32Array.from({ length: 600 }, (_, at) => {
    const image = Math.floor(at / 3);
    return [Number(image % 2 === 0), Number(image % 17 === 3), Number(image === 5)][at % 3];
  });
  const table = tableOf(Array.from({ length: 200 }, (_, i) => ({ label: 0, key: (i * 7919) % 1000, assigned: null })));

  it('bring rare labels into every split, by their shares', () => {
    const { labels, strata } = labelStrata(table, names, targets);
    expect(strata).toEqual(['label common', 'label rare', 'the data set']);
    const split = splitImages({ ...table, labels }, strata, { test: 0.25, validation: 0.25, subset: 1 });
    const rare = (part: Uint32Array): number => part.filter((image) => targets[3 * image + 1] === 1).length;
    expect([rare(split.test), rare(split.validation), rare(split.train)]).toEqual([3, 2, 7]);
    expect(split.test.length + split.validation.length + split.train.length).toBe(200);
  });

  it('are one where labels have too few images, or without labels', () => {
    const few = Float32Array.from({ length: 600 }, (_, at) => Number(at === 1));
    expect(labelStrata(table, names, few).strata).toEqual(['the data set']);
    expect(labelStrata(table, [], new Float32Array()).strata).toEqual(['the data set']);
    const all = Float32Array.from({ length: 600 }, (_, at) => Number(at % 3 === 0));
    const { labels, strata } = labelStrata(table, names, all);
    expect([strata, new Set(labels)]).toEqual([['label common'], new Set([0])]);
  });
});
