import { encodePasses } from './encode.js';
import type { NativeLibrary } from './library.js';
import { type MemoryPlan, type Offsets, planMemory, planMore } from './memory.js';
import { type Memory, type Pass, sliceOf } from './passes.js';

export interface ProgramOptions {
  /** Number of ranges into which a batch is cut, each with its own sums: results depend on it, and not on `threads`. */
  readonly chunks: number;
  readonly threads: number;
}

/** Passes that run one after another. A program may be left between its parts, and values wait there for the next part. */
export type Sequence = readonly (readonly Pass[])[];

/** A sequence that was added to a program. */
export interface AddedSequence {
  /** The values of a kept buffer. A kept buffer of this sequence alone keeps its values until another sequence runs. */
  view(memory: Memory): Float32Array;
  run(part: number, images: number): Promise<void>;
}

/** A sequence with its buffers in place. */
interface Placed {
  readonly offsets: Offsets;
  readonly parts: readonly Int32Array[];
}

/** Sequences of passes over one arena. */
export class NativeProgram {
  readonly memory: MemoryPlan;
  private arena: Float32Array = new Float32Array();
  private scratch: Float32Array = new Float32Array();
  private readonly sequences: readonly Placed[];

  /** @throws Error when the passes do not fit the library's sizes */
  constructor(
    private readonly library: NativeLibrary,
    sequences: readonly Sequence[],
    /** Kept buffers, which no pass needs to use. */
    kept: readonly Memory[],
    private readonly options: ProgramOptions,
  ) {
    this.memory = planMemory(
      sequences.map((parts) => parts.flat()),
      kept.map((memory) => sliceOf(memory).buffer),
    );
    const { offsets, floats } = this.memory;
    this.sequences = sequences.map((parts, i) => this.placed(parts, offsets[i], floats));
  }

  /** Adds a sequence, which shares all memory but kept buffers with the others: what these leave between their parts is lost. */
  add(parts: Sequence): AddedSequence {
    const { offsets, floats } = planMore(this.memory, parts.flat());
    const placed = this.placed(parts, offsets, floats);
    return {
      view: (memory) => this.part(memory, offsets),
      run: (part, images) => this.call(placed.parts[part], images),
    };
  }

  /** The values of a kept buffer or a part of one; writing changes them. */
  view(memory: Memory): Float32Array {
    return this.part(memory, this.memory.offsets[0]);
  }

  /** Sets all values that are not kept, to find passes that read what no pass has written. */
  fillUnkept(value: number): void {
    this.arena.fill(value, this.memory.kept + 16);
  }

  /** Runs a part of a sequence. @throws Error for passes that the library does not accept */
  run(sequence: number, part: number, images: number): Promise<void> {
    return this.call(this.sequences[sequence].parts[part], images);
  }

  private call(passes: Int32Array, images: number): Promise<void> {
    const { arena, scratch, library } = this;
    return library.run({ passes, arena, scratch, images, ...this.options });
  }

  private part(memory: Memory, offsets: Offsets): Float32Array {
    const { buffer, from, floats } = sliceOf(memory);
    const offset = buffer.kept ? offsets.get(buffer) : undefined;
    if (offset === undefined) throw new Error(`the buffer ${buffer.name} does not keep its values`);
    return this.arena.subarray(offset + from, offset + from + floats);
  }

  /** Encodes a sequence, and makes arena and scratch large enough for it. */
  private placed(parts: Sequence, offsets: Offsets, floats: number): Placed {
    const encoded = parts.map((passes) => encodePasses(passes, offsets));
    const most = Math.max(0, ...encoded.map((passes) => this.library.scratch(passes)));
    // Rows begin at multiples of 64 bytes; not even an unused one is empty.
    const rows = Math.max(1, Math.ceil(most / 16)) * 16 * this.options.threads;
    if (rows > this.scratch.length) this.scratch = this.library.allocate(rows);
    if (floats > this.arena.length) {
      const values = this.arena;
      this.arena = this.library.allocate(floats);
      this.arena.set(values);
    }
    return { offsets, parts: encoded };
  }
}
