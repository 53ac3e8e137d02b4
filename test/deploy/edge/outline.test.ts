import { describe, expect, it } from 'vitest';
import { outlineAndProgram } from './support/outlines.js';

describe('the outline of a network', () => {
  it.each(['mobilenet', 'efficientnet', 'nas-bench-201'] as const)(
    'has the operators and the memory of the trained program: %s',
    async (type) => {
      const [outline, program] = await outlineAndProgram(type, 1);
      expect(outline).toEqual(program);
      expect(outline.sizes.sramBytes).toBeGreaterThan(32 * 32 * 3);
      expect(outline.sizes.flashBytes).toBeGreaterThan(10_000);
    },
  );
});
