import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';

/**
 * Typed arrays with the same bits are equal. Vitest compares them element by element, which takes long for weights and images; it
 * still does where the bits differ, and says where.
 */
function equalBits(a: unknown, b: unknown): boolean | undefined {
  if (!ArrayBuffer.isView(a) || !ArrayBuffer.isView(b)) return undefined;
  return isDeepStrictEqual(a, b) || undefined;
}

// Files of tests share a process, and their matchers.
const known = globalThis as { hasEqualBits?: true };
if (known.hasEqualBits === undefined) expect.addEqualityTesters([equalBits]);
known.hasEqualBits = true;
