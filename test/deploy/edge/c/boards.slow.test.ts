import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeC, type SourceOptions } from '../../../../deploy/edge/c/index.js';
import type { EdgeProgram } from '../../../../deploy/edge/program.js';
import { edgeSizes } from '../../../../deploy/edge/sizes.js';
import { sharedFolder } from '../../../support/temporary.js';
import { mobileNetV2, randomProgram } from '../support/programs.js';
import { boards, compiledSizes, describeWith, runOnBoard, runOnHost } from './support/compilers.js';

const shared = sharedFolder();
const written = (name: string, program: EdgeProgram, options: SourceOptions): string => {
  const directory = join(shared, name);
  mkdirSync(directory, { recursive: true });
  writeC(directory, program, { title: name, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }, options);
  return directory;
};

const roundings = ['exact', 'tflm'] as const;
const networks = Array.from({ length: Number(process.env['NAS_TEST_REPEAT'] ?? 6) }, (_, seed) => seed);
const sanitizers = ['-O1', '-fsanitize=undefined,address', '-fno-sanitize-recover'];

for (const compiler of ['gcc', 'clang'])
  describeWith([compiler], `random networks by ${compiler}, with its sanitizers`, () => {
    test.each(roundings)('%s: no output differs from the reference', (rounding) => {
      for (const seed of networks) {
        const directory = written(`${compiler}-${rounding}-${seed}`, randomProgram(seed), {
          rounding,
          overlap: seed % 4 > 0,
        });
        expect(runOnHost(compiler, directory, sanitizers)).toContain(', 0 wrong outputs of 30\n');
      }
    });
  });

describeWith(['arm-none-eabi-gcc', 'qemu-system-arm'], 'boards under QEMU', () => {
  test.each(Object.entries(boards))('%s: no output differs from the reference', (core, board) => {
    for (const seed of networks)
      for (const rounding of roundings) {
        const directory = written(`${core}-${rounding}-${seed}`, randomProgram(seed), { rounding });
        const flags = seed % 2 === 0 ? ['-O2'] : ['-Os', '-DNAS_PLAIN'];
        expect(runOnBoard(board, directory, flags)).toMatchObject({ wrong: 0, of: 30 });
      }
  });

  const MACS = 10_666_928;
  test('MobileNetV2 0.35 at 96 pixels takes at most 4 instructions a MAC, and 7 without the DSP extension', () => {
    const directory = written('mobilenetv2', mobileNetV2(0.35, 96, 10), {});
    const each = (...flags: string[]): number => {
      const { wrong, instructions } = runOnBoard(boards['Cortex-M4'], directory, flags);
      expect(wrong).toBe(0);
      return instructions / MACS;
    };
    for (const optimization of ['-O2', '-Os']) {
      expect(each(optimization)).toBeLessThanOrEqual(4);
      expect(each(optimization, '-DNAS_PLAIN')).toBeLessThanOrEqual(7);
    }
  });
});

describeWith(['arm-none-eabi-gcc'], 'sizes by the compiler', () => {
  test.each(roundings)(
    '%s: memory is as planned, flash within 0.5 % or 24 bytes, and no library is needed',
    (rounding) => {
      for (const program of [mobileNetV2(0.35, 96, 10), ...networks.map(randomProgram)]) {
        const directory = written(`sizes-${rounding}`, program, { rounding });
        const { sramBytes, flashBytes } = edgeSizes(program, { rounding });
        const { flash, ram, expects } = compiledSizes(directory, boards['Cortex-M4'].core);
        expect(ram).toBe(sramBytes);
        expect(Math.abs(flash - flashBytes)).toBeLessThanOrEqual(Math.max(0.005 * flash, 24));
        expect(expects).toBe('');
      }
    },
  );
});
