import { describe, expect, it } from 'vitest';
import { outlineAndProgram } from './support/outlines.js';

const repeats = Number(process.env['NAS_TEST_REPEAT'] ?? 3);

describe('the outlines of random networks', () => {
  it.each(['mobilenet', 'efficientnet', 'nas-bench-201'] as const)(
    'have the operators and the memory of the trained programs: %s',
    async (type) => {
      for (let seed = 0; seed < repeats; seed++) {
        const [outline, program] = await outlineAndProgram(type, seed);
        expect(outline, `seed ${seed}`).toEqual(program);
      }
    },
  );
});
