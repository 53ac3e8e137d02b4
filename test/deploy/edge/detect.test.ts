import { describe, expect, it } from 'vitest';
import { decode, suppress } from '../../../base/detections.js';
import { Random } from '../../../base/random.js';
import { detectBytes, detectionTables, inPixels, type DetectionTables } from '../../../deploy/edge/detect.js';
import type { EdgeProgram } from '../../../deploy/edge/program.js';

interface Maps {
  readonly program: EdgeProgram;
  readonly classes: Int8Array;
  readonly boxes: Int8Array;
  readonly scales: readonly [classes: number, boxes: number];
  readonly zeros: readonly [classes: number, boxes: number];
}

const sides = { rows: 7, columns: 9, labels: 3 } as const;

/** Random bytes of two maps; logits of few steps are often equal in neighbouring cells. */
function randomMaps(seed: number): Maps {
  const { rows, columns, labels } = sides;
  const random = new Random(seed, 'maps');
  const steps = [2, 8, 256][seed % 3];
  const bytes = (depth: number, most: number): Int8Array =>
    Int8Array.from({ length: rows * columns * depth }, () => random.int(most) - (most >> 1));
  const scales = [0.02 + 0.1 * random.uniform(), 0.01 + 0.03 * random.uniform()] as const;
  const zeros = [random.int(100) - 50, random.int(100) - 50] as const;
  const tensor = (name: string, depth: number, n: 0 | 1) => ({
    ...{ name, shape: [1, rows, columns, depth], element: 'int8' as const },
    quantization: { scales: Float32Array.of(scales[n]), zero: zeros[n] },
  });
  const image = { name: 'image', shape: [1, 28, 36, 3], element: 'int8' as const };
  const tensors = [image, tensor('classes', labels, 0), tensor('boxes', 4, 1)];
  const program = { tensors, operators: [], input: 0, outputs: [1, 2] };
  return { program, classes: bytes(labels, steps), boxes: bytes(4, 256), scales, zeros };
}

/** The maps as floats, [rows, columns, classes + 4]. */
function floats({ classes, boxes, scales, zeros }: Maps) {
  const { rows, columns, labels } = sides;
  const values = Float32Array.from({ length: rows * columns * (labels + 4) }, (_, i) => {
    const [cell, at] = [Math.floor(i / (labels + 4)), i % (labels + 4)];
    const byte = at < labels ? classes[cell * labels + at] : boxes[cell * 4 + at - labels];
    const n = at < labels ? 0 : 1;
    return (byte - zeros[n]) * Math.fround(scales[n]);
  });
  return { rows, columns, classes: labels, stride: 4, values };
}

const detection = (more: object = {}) => ({ stride: 4, most: 150, overlap: 0.6, thresholds: [0.3, 0.5, 0.6], ...more });

describe('boxes from bytes', () => {
  it('are those of the float decoding: the same peaks and classes, edges to 1/16 pixel, scores to 1/255', () => {
    let boxes = 0;
    let largest = 0;
    for (let seed = 0; seed < 60; seed++) {
      const maps = randomMaps(seed);
      const options = detection({ overlap: 1, most: [150, 20, 3][seed % 3 === 0 ? 0 : seed % 2] });
      const expected = decode(floats(maps), options);
      const found = detectBytes(detectionTables(maps.program, options), [maps.classes, maps.boxes]).map(inPixels);
      expect(found.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
      for (const [i, box] of found.entries()) {
        for (const edge of ['left', 'right', 'top', 'bottom'] as const)
          largest = Math.max(largest, Math.abs(box[edge] - expected[i][edge]));
        expect(Math.abs(box.score - expected[i].score)).toBeLessThanOrEqual(0.51 / 255);
      }
      boxes += found.length;
    }
    expect(boxes).toBeGreaterThan(500);
    expect(largest).toBeLessThan(1 / 16);
    expect(largest).toBeGreaterThan(1 / 64);
  });

  it('are suppressed as floats are', () => {
    let dropped = 0;
    for (let seed = 0; seed < 60; seed++) {
      const { program, classes, boxes } = randomMaps(seed);
      for (const overlap of [0.1, 0.3, 0.6]) {
        const of = (share: number) =>
          detectBytes(detectionTables(program, detection({ overlap: share })), [classes, boxes]).map(inPixels);
        const [all, kept] = [of(1), of(overlap)];
        expect(kept).toEqual(suppress(all, overlap));
        dropped += all.length - kept.length;
      }
    }
    expect(dropped).toBeGreaterThan(50);
  });

  it('have scores from the least byte on that reaches the threshold', () => {
    const { program } = randomMaps(1);
    const of = (thresholds?: readonly number[]): DetectionTables =>
      detectionTables(program, {
        ...detection(),
        ...(thresholds !== undefined ? { thresholds } : { thresholds: undefined }),
      });
    const { least, scores } = of([0, 0.5, 1]);
    expect(least[0]).toBe(-128);
    expect([scores[least[1] + 127] < 127.5, scores[least[1] + 128] >= 127.5]).toEqual([true, true]);
    expect(least[2]).toBe(128);
    expect(of().least).toEqual([least[1], least[1], least[1]]);
  });

  it('are the cells of centroids where there is no map of boxes', () => {
    const maps = randomMaps(2);
    const { program, classes, scales, zeros } = maps;
    const tables = detectionTables({ ...program, outputs: program.outputs.slice(0, 1) }, detection());
    expect(tables.boxes).toBeNull();
    const values = Float32Array.from(classes, (byte) => (byte - zeros[0]) * Math.fround(scales[0]));
    const expected = decode({ ...floats(maps), values }, detection());
    const found = detectBytes(tables, [classes]).map(inPixels);
    expect(found.length).toBeGreaterThan(3);
    const placesOf = (boxes: typeof expected) => boxes.map((box) => ({ ...box, score: 0 }));
    expect(placesOf(found)).toEqual(placesOf(expected));
  });

  it('stay in 16 bits where steps and strides are large', () => {
    const { program, classes, boxes } = randomMaps(2);
    const tensors = program.tensors.map((tensor, id) =>
      id === 2 ? { ...tensor, quantization: { scales: Float32Array.of(40), zero: 0 } } : tensor,
    );
    const image = { ...tensors[0], shape: [1, 7 * 32, 9 * 32, 3] };
    const wide = { ...program, tensors: [image, ...tensors.slice(1)] };
    const options = detection({ stride: 32, thresholds: [0, 0, 0], overlap: 1 });
    const tables = detectionTables(wide, options);
    expect(255 * (tables.boxes?.factor ?? NaN)).toBeLessThan(2 ** 31);
    const found = detectBytes(tables, [classes, boxes]);
    for (const { x, y, width, height } of found)
      for (const value of [x, y, width, height]) expect(value).toBe((value << 16) >> 16);
    expect(found.length).toBeGreaterThan(10);
  });

  it('need the maps of a detector', () => {
    const { program } = randomMaps(0);
    expect(() => detectionTables({ ...program, outputs: [1, 1] }, detection())).toThrow('no maps of classes and boxes');
    expect(() => detectionTables(program, detection({ stride: 8 }))).toThrow('with 4 x 5 cells');
  });
});
