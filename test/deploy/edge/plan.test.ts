import { describe, expect, test } from 'vitest';
import { Random } from '../../../base/random.js';
import { scratchBytes, windowDistance } from '../../../deploy/edge/overlap.js';
import { planArena } from '../../../deploy/edge/plan.js';
import { mobileNetV2, Programs, randomProgram } from './support/programs.js';

describe('the plan of the arena', () => {
  test('100 random networks need at most what is alive at once, nearly all of them what is needed at once', () => {
    const plans = Array.from({ length: 100 }, (_, seed) => planArena(randomProgram(seed)));
    for (const { bytes, live, bound } of plans) {
      expect(bytes).toBeGreaterThanOrEqual(bound);
      expect(bytes).toBeLessThanOrEqual(live);
    }
    const ratios = plans.map(({ bytes, bound }) => bytes / bound).sort((a, b) => a - b);
    expect(ratios[50]).toBe(1);
    expect(ratios[94]).toBeLessThanOrEqual(1.1);
  });

  test('buffers that exist at once lie beside each other', () => {
    const p = new Programs(1);
    const input = p.image(4, 4, 8);
    const wide = p.conv(input, 8, { kernel: 1 });
    const program = p.program(input, p.pair('add', input, wide));
    const { offsets, bytes, live } = planArena(program);
    expect([live, bytes]).toEqual([3 * 128, 256]);
    expect(Math.abs((offsets.get(input) ?? 0) - (offsets.get(wide) ?? 0))).toBe(128);
    // The sum lies on one of its inputs.
    expect([offsets.get(input), offsets.get(wide)]).toContain(offsets.get(program.outputs[0]));
  });

  test('a depthwise convolution keeps two rows and a pixel of what it overwrites', () => {
    const p = new Programs(1);
    const input = p.image(16, 16, 4);
    const program = p.program(input, p.depthwise(input));
    // The last pixel of the second row overwrites what the first pixel of the third row does not read any more.
    expect(planArena(program).bytes).toBe(16 * 16 * 4 + (16 + 2) * 4);
  });

  test('the distance found at the corners of random images is the largest of all pixels', () => {
    const random = new Random(1, 'distances');
    const image = (...sizes: number[]) =>
      ({ name: '', element: 'int8', shape: [1, ...sizes, 1 + random.int(20)] }) as const;
    for (let n = 0; n < 300; n++) {
      const [input, output] = [
        image(1 + random.int(20), 1 + random.int(20)),
        image(1 + random.int(20), 1 + random.int(20)),
      ];
      const window = {
        strides: [1 + random.int(3), 1 + random.int(3)],
        padding: { top: random.int(5), left: random.int(5), bottom: 0, right: 0 },
      } as const;
      const [, rows, columns, channels] = output.shape;
      // The last columns read the image, too.
      const width = Math.max(input.shape[2], (columns - 1) * window.strides[1] - window.padding.left + 1);
      const from = { ...input, shape: [1, input.shape[1], width, input.shape[3]] };
      const starts = Array.from({ length: rows * columns }, (_, pixel) => {
        const [row, column] = [Math.floor(pixel / columns), pixel % columns];
        const y = Math.max(row * window.strides[0] - window.padding.top, 0);
        return (y * width + Math.max(column * window.strides[1] - window.padding.left, 0)) * from.shape[3];
      });
      for (const together of [1, 2])
        for (const copied of [false, true]) {
          let expected = 0;
          for (let first = 0; first < starts.length; first += together) {
            const end = Math.min(first + together, starts.length);
            expected = Math.max(expected, end * channels - Math.min(...starts.slice(copied ? end : first)));
          }
          expect(windowDistance(window, from, output, together, copied)).toBe(expected);
        }
    }
  });

  test('windows of convolutions with borders are copied into the arena', () => {
    const p = new Programs(1);
    const input = p.image(5, 5, 3);
    const program = p.program(input, p.conv(input, 2));
    const plan = planArena(program);
    expect(scratchBytes(program, program.operators[0])).toBe(2 * 27);
    expect(plan.scratch.size).toBe(1);
    expect(plan.bytes).toBeGreaterThan(75 + 54);
  });

  test('MobileNetV2 0.35 at 96 pixels: what its largest image needs', () => {
    const { bytes, live } = planArena(mobileNetV2(0.35, 96, 1000));
    expect(live).toBe(138_240);
    expect(bytes).toBe(110_656);
  });
});
