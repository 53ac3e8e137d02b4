import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iou, type LabelledBox } from '../../base/boxes.js';
import { decode, inOriginal, suppress, type Detection, type DetectionMap } from '../../base/detections.js';

/** Few values, so that neighbours are often equal. */
const logit = fc.constantFrom(-3, -1, 0, 0.5, 2, 2.5, -Infinity, Number.NaN);
const map: fc.Arbitrary<DetectionMap> = fc
  .record({
    rows: fc.integer({ min: 1, max: 5 }),
    columns: fc.integer({ min: 1, max: 6 }),
    classes: fc.integer({ min: 1, max: 3 }),
    stride: fc.constantFrom(4, 8),
  })
  .chain((shape) => {
    const cells = shape.rows * shape.columns;
    const all = { minLength: cells, maxLength: cells };
    const logits = fc.array(fc.array(logit, { minLength: shape.classes, maxLength: shape.classes }), all);
    const offsets = fc.tuple(fc.float({ min: -1, max: 1, noNaN: true }), fc.float({ min: -1, max: 1, noNaN: true }));
    const sizes = fc.tuple(fc.integer({ min: -9, max: 9 }), fc.integer({ min: -2, max: 2 }));
    return fc.tuple(logits, fc.array(fc.tuple(offsets, sizes), all)).map(([own, boxes]) => ({
      ...shape,
      values: Float32Array.from(own.flatMap((cell, i) => [...cell, ...boxes[i].flat()])),
    }));
  });

const filled = (
  [rows, columns]: readonly [number, number],
  classes: number,
  cells: Readonly<Record<number, readonly number[]>>,
): DetectionMap => {
  const values = new Float32Array(rows * columns * (classes + 4));
  for (let i = 0; i < rows * columns; i++)
    values.set(cells[i] ?? new Array<number>(classes).fill(-9), i * (classes + 4));
  return { rows, columns, classes, stride: 4, values };
};

const all = { overlap: 1, most: Infinity };

describe('decode', () => {
  it('finds, of each class, the cells that no neighbour exceeds; of equal neighbours the first', () => {
    fc.assert(
      fc.property(map, (given) => {
        const { rows, columns, classes, values } = given;
        const at = (y: number, x: number, c: number): number => values[(y * columns + x) * (classes + 4) + c];
        let expected = 0;
        for (let y = 0; y < rows; y++)
          for (let x = 0; x < columns; x++)
            for (let c = 0; c < classes; c++) {
              const own = at(y, x, c);
              let isPeak = !Number.isNaN(own);
              for (let v = y - 1; v <= y + 1; v++)
                for (let u = x - 1; u <= x + 1; u++) {
                  if (v < 0 || u < 0 || v >= rows || u >= columns || (v === y && u === x)) continue;
                  const isEarlier = v < y || (v === y && u < x);
                  if (isEarlier ? at(v, u, c) >= own : at(v, u, c) > own) isPeak = false;
                }
              if (isPeak) expected++;
            }
        const found = decode(given, all);
        // Boxes that are equal to a better one are dropped at any overlap below 1.
        expect(found).toHaveLength(expected);
        expect(found.map(({ score }) => score)).toEqual(found.map(({ score }) => score).sort((a, b) => b - a));
        for (const { left, right, top, bottom } of found) {
          expect(right).toBeGreaterThan(left);
          expect(bottom).toBeGreaterThan(top);
        }
      }),
    );
  });

  it('keeps the best peaks, and drops boxes on a better one of their class', () => {
    fc.assert(
      fc.property(map, fc.integer({ min: 0, max: 6 }), fc.double({ min: 0.1, max: 0.9 }), (given, most, overlap) => {
        const peaks = decode(given, all);
        const found = decode(given, { most, overlap });
        expect(found).toEqual(suppress(peaks.slice(0, most), overlap));
        for (const [i, a] of found.entries())
          for (const b of found.slice(0, i)) expect(a.label === b.label && iou(a, b) > overlap).toBe(false);
      }),
    );
  });

  it('leaves out exactly the boxes under the thresholds of their classes', () => {
    fc.assert(
      fc.property(
        map,
        fc.array(fc.constantFrom(0, 0.5, 0.3, 1), { minLength: 3, maxLength: 3 }),
        (given, thresholds) => {
          const expected = decode(given, all).filter(({ label, score }) => score >= thresholds[label]);
          expect(decode(given, { ...all, thresholds })).toEqual(expected);
        },
      ),
    );
  });

  it('reads a box from its cell, the first of equal neighbours, and nothing from an empty map', () => {
    const [two, three] = [Math.fround(Math.log(2)), Math.fround(Math.log(3))];
    const found = decode(filled([2, 3], 2, { 1: [-9, 1, 0.5, 0, two, three], 2: [-9, 1, 0, 0, 0, 0] }), {
      thresholds: 0.1,
    });
    expect(found).toHaveLength(1);
    const [{ label, score, ...box }] = found;
    expect([label, score]).toEqual([1, 1 / (1 + Math.exp(-1))]);
    for (const [key, value] of Object.entries({ left: 4, right: 12, top: -4, bottom: 8 }))
      expect(box[key as keyof typeof box]).toBeCloseTo(value, 5);
    expect(decode(filled([2, 3], 2, {}), { thresholds: 0.1 })).toEqual([]);
  });

  it('finds the cells of maps without boxes, those that maps with boxes find', () => {
    fc.assert(
      fc.property(map, fc.constantFrom(0, 0.4, 0.6), (given, thresholds) => {
        const { rows, columns, classes, stride, values } = given;
        const cells = Array.from({ length: rows * columns }, (_, i) => i * (classes + 4));
        const logits = cells.flatMap((at) => [...values.subarray(at, at + classes)]);
        const found = decode({ ...given, values: Float32Array.from(logits) }, { thresholds });
        const boxes = decode(given, { overlap: 1, thresholds });
        expect(found.map(({ label, score }) => [label, score])).toEqual(
          boxes.map(({ label, score }) => [label, score]),
        );
        for (const { left, right, top, bottom } of found)
          expect([right - left, bottom - top, left % stride, top % stride]).toEqual([stride, stride, 0, 0]);
      }),
    );
  });

  it('bounds sizes', () => {
    const [tiny, huge] = [-50, 50].map((size) => decode(filled([1, 1], 1, { 0: [0, 0, 0, size, size] }))[0]);
    expect(tiny.right - tiny.left).toBeCloseTo(4 * Math.exp(-4), 9);
    expect(huge.bottom - huge.top).toBeCloseTo(4 * Math.exp(6), 6);
  });
});

describe('inOriginal', () => {
  const found = (left: number, top: number, right: number, bottom: number): Detection => ({
    ...{ left, top, right, bottom, label: 0, score: 0.5 },
  });

  it('undoes the placement of any box inside the image', () => {
    const side = fc.integer({ min: 8, max: 900 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    const scale = fc.double({ min: 0.05, max: 3, noNaN: true });
    fc.assert(
      fc.property(
        side,
        side,
        fc.tuple(share, share, share, share),
        scale,
        scale,
        (width, height, shares, scaleX, scaleY) => {
          const [a, b, c, d] = shares;
          const [left, right] = [Math.min(a, b) * width, Math.max(a, b) * width];
          const [top, bottom] = [Math.min(c, d) * height, Math.max(c, d) * height];
          fc.pre(right - left > 1e-3 && bottom - top > 1e-3);
          const placed = found(left * scaleX + 7, top * scaleY - 3, right * scaleX + 7, bottom * scaleY - 3);
          const [box]: LabelledBox[] = inOriginal(
            [placed],
            { scaleX, scaleY, left: 7, top: -3 },
            { width, height },
          ).map((own) => ({ ...own, ignored: false }));
          expect(box.left).toBeCloseTo(left, 6);
          expect(box.right).toBeCloseTo(right, 6);
          expect(box.top).toBeCloseTo(top, 6);
          expect(box.bottom).toBeCloseTo(bottom, 6);
        },
      ),
    );
  });

  it('cuts boxes at the borders and drops those outside', () => {
    const placement = { scaleX: 0.5, scaleY: 0.5, left: 0, top: 10 };
    const boxes = [found(-5, 5, 20, 40), found(0, 0, 20, 10), found(60, 20, 80, 30)];
    expect(inOriginal(boxes, placement, { width: 100, height: 50 })).toEqual([
      { ...boxes[0], left: 0, top: 0, right: 40, bottom: 50 },
    ]);
  });
});
