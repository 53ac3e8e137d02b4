import { aligned, lifetimes, type Lifetime, type MemoryPlan } from '../../../compiler/native/memory.js';
import { fields, sliceOf, type Buffer, type Field, type Memory, type Pass } from '../../../compiler/native/passes.js';

/** Buffers of one name are told apart by numbers, in the order of their use. */
class Names {
  private readonly names = new Map<Buffer, string>();
  private readonly counts = new Map<string, number>();

  of(buffer: Buffer): string {
    const known = this.names.get(buffer);
    if (known !== undefined) return known;
    const count = (this.counts.get(buffer.name) ?? 0) + 1;
    this.counts.set(buffer.name, count);
    const name = count === 1 ? buffer.name : `${buffer.name}#${count}`;
    this.names.set(buffer, name);
    return name;
  }

  shown(memory: Memory): string {
    const { buffer, from, floats } = sliceOf(memory);
    const name = this.of(buffer);
    return from === 0 && floats === buffer.floats ? name : `${name}[${from}:${from + floats}]`;
  }
}

/** Passes as text, one a line: the operation, and each field that is set. */
export function printPasses(passes: readonly Pass[], names = new Names()): string {
  const lines = passes.map((pass) => {
    const shown = (Object.keys(fields) as Field[]).flatMap((name) => {
      const value = pass[name];
      if (value === undefined) return [];
      return [`${name}=${typeof value === 'object' ? names.shown(value) : value}`];
    });
    return [pass.op, ...shown].join(' ');
  });
  return lines.join('\n');
}

/** The most floats that live at once in a sequence: no plan needs less beside what is kept. */
export function leastFloats(lives: readonly Lifetime[]): number {
  const changes = lives.flatMap(({ buffer, first, last }) => [
    { step: first, by: aligned(buffer.floats) },
    { step: last + 1, by: -aligned(buffer.floats) },
  ]);
  let [now, most] = [0, 0];
  for (const { by } of changes.sort((a, b) => a.step - b.step || a.by - b.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

const mebibytes = (floats: number): string => `${((floats * 4) / 2 ** 20).toFixed(1)} MiB`;

/** The sizes of a memory plan, beside the least that each sequence needs. */
export function printMemory(sequences: readonly (readonly Pass[])[], plan: MemoryPlan): string {
  const least = sequences.map((passes) => mebibytes(leastFloats(lifetimes(passes))));
  return `${mebibytes(plan.floats)} in all, ${mebibytes(plan.kept)} kept; at once in each sequence at least ${least.join(', ')}`;
}
