import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeC, type SourceOptions } from '../../../../deploy/edge/c/index.js';
import { countInstructions } from '../../../../deploy/edge/c/instructions.js';
import { qemuCores } from '../../../../deploy/edge/c/machines.js';
import type { EdgeProgram } from '../../../../deploy/edge/program.js';
import { edgeSizes } from '../../../../deploy/edge/sizes.js';
import { sharedFolder } from '../../../support/temporary.js';
import { detectorProgram, mobileNetV2, Programs, randomProgram, segmenterProgram } from '../support/programs.js';
import { compiledSizes, describeWith, runOnBoard, runOnHost } from './support/compilers.js';

const shared = sharedFolder();
const written = (name: string, program: EdgeProgram, options: SourceOptions): string => {
  const directory = join(shared, name);
  mkdirSync(directory, { recursive: true });
  const detection = { stride: 4, most: 50, overlap: 0.5, thresholds: [0.1, 0.2] };
  writeC(directory, program, { title: name, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], detection }, options);
  return directory;
};

const roundings = ['exact', 'tflm'] as const;
const networks = Array.from({ length: Number(process.env['NAS_TEST_REPEAT'] ?? 2) }, (_, seed) => seed);
const sanitizers = ['-O1', '-fsanitize=undefined,address', '-fno-sanitize-recover'];

for (const compiler of ['gcc', 'clang'])
  describeWith([compiler], `random networks by ${compiler}, with its sanitizers`, () => {
    test.each(roundings)('%s: no output differs from the reference', (rounding) => {
      for (const seed of networks) {
        const directory = written(`${compiler}-${rounding}-${seed}`, randomProgram(seed), { rounding });
        expect(runOnHost(compiler, directory, sanitizers)).toContain(', 0 wrong outputs of 30\n');
      }
    });
  });

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'boards under QEMU', () => {
  test.each(qemuCores)('%s: no output differs from the reference', async (core) => {
    // Each core has both roundings and both kinds of code, every other core in the other pairs.
    for (const seed of networks) {
      const rounding = roundings[(seed + qemuCores.indexOf(core)) % 2];
      const directory = written(`${core}-${rounding}-${seed}`, randomProgram(seed), { rounding });
      const flags = seed % 2 === 0 ? ['-O2'] : ['-Os', '-DNAS_PLAIN'];
      expect(await runOnBoard(core, directory, flags)).toBe('0 wrong outputs of 30\n');
    }
  });

  test.each(qemuCores)('%s: a detector finds the boxes, or the centroids, of the reference', async (core) => {
    for (const seed of networks) {
      const rounding = roundings[(seed + qemuCores.indexOf(core)) % 2];
      const directory = written(`detector-${core}-${seed}`, detectorProgram(seed, 2, seed % 2 === 1), { rounding });
      const flags = seed % 2 === 0 ? ['-O2'] : ['-Os', '-DNAS_PLAIN'];
      expect(await runOnBoard(core, directory, flags)).toMatch(/^0 wrong outputs of \d+\n$/);
    }
  });

  test.each(qemuCores)('%s: a segmenter gives the classes of the reference', async (core) => {
    const seed = qemuCores.indexOf(core);
    const directory = written(`segmenter-${core}`, segmenterProgram(seed), { rounding: roundings[seed % 2] });
    expect(await runOnBoard(core, directory, ['-O2'])).toMatch(/^0 wrong outputs of \d+\n$/);
  });

  const MACS = 10_666_928;
  test('MobileNetV2 0.35 at 96 pixels takes at most 4 instructions a MAC, and 7 without the DSP extension', async () => {
    const program = mobileNetV2(0.35, 96, 10);
    const each = async (...flags: string[]): Promise<number> =>
      (await countInstructions(program, 'cortex-m4', { flags })) / MACS;
    for (const optimization of ['-O2', '-Os']) expect(await each(optimization)).toBeLessThanOrEqual(4);
    // Small code takes more instructions.
    expect(await each('-Os', '-DNAS_PLAIN')).toBeLessThanOrEqual(7);
  });

  test('with Helium, MobileNetV2 takes at most 2 instructions a MAC, and a depthwise convolution at most 4', async () => {
    expect((await countInstructions(mobileNetV2(0.35, 96, 10), 'cortex-m55')) / MACS).toBeLessThanOrEqual(2);
    const p = new Programs(1);
    const image = p.image(24, 24, 48);
    const depthwise = await countInstructions(p.program(image, p.depthwise(image)), 'cortex-m55');
    expect(depthwise / (24 * 24 * 48 * 9)).toBeLessThanOrEqual(4);
  });

  test('the count of a program is the same each time, and grows with its work', async () => {
    const depthwise = (side: number): EdgeProgram => {
      const p = new Programs(1);
      const image = p.image(side, side, 8);
      return p.program(image, p.depthwise(image));
    };
    const tiny = depthwise(8);
    const first = await countInstructions(tiny, 'cortex-m4');
    expect(await countInstructions(depthwise(16), 'cortex-m4')).toBeGreaterThan(2 * first);
    // Also where a busy process reads late: QEMU has written thousands of lines by then.
    const busy = setInterval(() => {
      for (const until = Date.now() + 700; Date.now() < until;);
    });
    expect(await countInstructions(tiny, 'cortex-m4').finally(() => clearInterval(busy))).toBe(first);
  });

  test('a program that is too large for the board is named so', async () => {
    await expect(countInstructions(mobileNetV2(0.5, 32, 10), 'cortex-m55')).rejects.toThrow(
      /bytes too large for the flash of QEMU's cortex-m55/,
    );
  });
});

describeWith(['arm-none-eabi-gcc'], 'sizes by the compiler', () => {
  test.each(roundings)(
    '%s: memory is as planned, flash of exact sums within 0.5 % or 24 bytes, and no library is needed',
    (rounding) => {
      for (const program of [
        mobileNetV2(0.35, 96, 10),
        ...networks.map(randomProgram),
        detectorProgram(1),
        detectorProgram(1, 2, true),
        segmenterProgram(1),
      ]) {
        const directory = written(`sizes-${rounding}`, program, { rounding });
        const { sramBytes, flashBytes } = edgeSizes(program);
        const { flash, ram, expects } = compiledSizes(directory, ['-mcpu=cortex-m4']);
        expect(ram).toBe(sramBytes);
        if (rounding === 'exact') expect(Math.abs(flash - flashBytes)).toBeLessThanOrEqual(Math.max(0.005 * flash, 24));
        expect(expects).toBe('');
      }
    },
  );
});
