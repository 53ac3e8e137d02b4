import { fields, type Buffer, type Memory, type Pass, sliceOf } from './passes.js';

/** Buffers begin at multiples of this many floats: 64 bytes. */
const alignment = 16;
/** Offset 0 means that there is no buffer. */
const begin = alignment;
/** The library's offsets are signed 32-bit numbers of floats. */
const mostFloats = 2 ** 31 - 1;

/** Steps of a sequence of passes in which a buffer holds a value that is needed: from the first to the last. */
export interface Lifetime {
  readonly buffer: Buffer;
  readonly first: number;
  readonly last: number;
}

/** Where the buffers of one sequence lie. */
export type Offsets = ReadonlyMap<Buffer, number>;

export interface MemoryPlan {
  /** Floats of the whole arena. */
  readonly floats: number;
  /** Floats of buffers that keep their values. */
  readonly kept: number;
  /** For each sequence. */
  readonly offsets: readonly Offsets[];
}

const memoryFields = Object.entries(fields).flatMap(([name, kind]) =>
  kind === 'memory' ? [name as keyof typeof fields] : [],
);

/** The buffers that a pass reads or writes. */
export function buffersOf(pass: Pass): Set<Buffer> {
  const found = memoryFields.flatMap((name) => {
    const value = pass[name] as Memory | undefined;
    return value === undefined ? [] : [sliceOf(value).buffer];
  });
  return new Set(found);
}

/**
 * Passes of one group run image by image, or beside each other: they are one step of the sequence, since what one of them reads
 * for the last image may be written when another has ended for the first.
 */
function stepsOf(passes: readonly Pass[]): number[] {
  let step = -1;
  return passes.map(({ group = 0 }, i) => (group !== 0 && passes[i - 1]?.group === group ? step : ++step));
}

/** The lifetimes of all buffers of a sequence that share memory, in the order of their first use. */
export function lifetimes(passes: readonly Pass[]): Lifetime[] {
  const steps = stepsOf(passes);
  const lives = new Map<Buffer, { buffer: Buffer; first: number; last: number }>();
  for (const [i, pass] of passes.entries())
    for (const buffer of buffersOf(pass)) {
      const step = steps[i];
      const life = lives.get(buffer);
      if (life !== undefined) life.last = step;
      else if (!buffer.kept) lives.set(buffer, { buffer, first: step, last: step });
    }
  return [...lives.values()];
}

export const aligned = (floats: number): number => Math.ceil(floats / alignment) * alignment;

/** First-fit by size: the largest buffer first, each at the lowest offset where no other lies that lives at the same time. */
function firstFit(
  lives: readonly Lifetime[],
  from: number,
): { readonly offsets: Map<Buffer, number>; readonly end: number } {
  const placed: { readonly life: Lifetime; readonly begin: number; readonly end: number }[] = [];
  const offsets = new Map<Buffer, number>();
  let most = from;
  const bySize = [...lives].sort((a, b) => b.buffer.floats - a.buffer.floats || a.first - b.first);
  for (const life of bySize) {
    const size = aligned(life.buffer.floats);
    let offset = from;
    for (const other of placed) {
      if (other.life.last < life.first || other.life.first > life.last) continue;
      if (other.begin >= offset + size) break;
      offset = Math.max(offset, other.end);
    }
    const place = { life, begin: offset, end: offset + size };
    const next = placed.findIndex((other) => other.begin > offset);
    placed.splice(next === -1 ? placed.length : next, 0, place);
    offsets.set(life.buffer, offset);
    most = Math.max(most, place.end);
  }
  return { offsets, end: most };
}

function checked(floats: number): number {
  if (floats <= mostFloats) return floats;
  throw new Error(`the passes need ${floats} floats of memory, and the library counts up to ${mostFloats}`);
}

/**
 * Places the buffers of sequences of passes in one arena. Kept buffers have a place of their own, which is the same in all
 * sequences; the others share the rest, in each sequence anew.
 * @throws Error when the arena is larger than the library's offsets
 */
export function planMemory(sequences: readonly (readonly Pass[])[], inputs: readonly Buffer[] = []): MemoryPlan {
  const kept = new Map<Buffer, number>();
  let end = begin;
  const used = sequences.flatMap((passes) => passes.flatMap((pass) => [...buffersOf(pass)]));
  for (const buffer of new Set([...inputs, ...used])) {
    if (!buffer.kept) continue;
    kept.set(buffer, end);
    end += aligned(buffer.floats);
  }
  const rests = sequences.map((passes) => firstFit(lifetimes(passes), end));
  const floats = checked(Math.max(end, ...rests.map((rest) => rest.end)));
  return { floats, kept: end - begin, offsets: rests.map(({ offsets }) => new Map([...kept, ...offsets])) };
}

/**
 * Places the buffers of one more sequence in the arena of a plan, behind its kept buffers. Kept buffers that the plan does not
 * have keep their values from the begin of the sequence to its end.
 * @returns the offsets, and the floats that the arena needs
 */
export function planMore(
  { kept, offsets }: MemoryPlan,
  passes: readonly Pass[],
): { readonly offsets: Offsets; readonly floats: number } {
  const places = [...offsets[0]].filter(([buffer]) => buffer.kept);
  const known = new Set(places.map(([buffer]) => buffer));
  const held = new Set(passes.flatMap((pass) => [...buffersOf(pass)].filter((own) => own.kept && !known.has(own))));
  const whole = [...held].map((buffer): Lifetime => ({ buffer, first: 0, last: passes.length }));
  const { offsets: own, end } = firstFit([...whole, ...lifetimes(passes)], begin + kept);
  return { offsets: new Map([...places, ...own]), floats: checked(end) };
}
