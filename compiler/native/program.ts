import { encodePasses } from './encode.js';
import type { NativeLibrary } from './library.js';
import { type MemoryPlan, planMemory } from './memory.js';
import { type Memory, type Pass, sliceOf } from './passes.js';

export interface ProgramOptions {
  /** Number of ranges into which a batch is cut, each with its own sums: results depend on it, and not on `threads`. */
  readonly chunks: number;
  readonly threads: number;
}

/** Passes that run one after another. A program may be left between its parts, and values wait there for the next part. */
export type Sequence = readonly (readonly Pass[])[];

/** Sequences of passes over one arena. */
export class NativeProgram {
  readonly memory: MemoryPlan;
  private readonly arena: Float32Array;
  private readonly scratch: Float32Array;
  private readonly encoded: readonly (readonly Int32Array[])[];

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
    const { offsets } = this.memory;
    this.encoded = sequences.map((parts, i) => parts.map((passes) => encodePasses(passes, offsets[i])));
    const most = Math.max(0, ...this.encoded.flat().map((passes) => library.scratch(passes)));
    // Rows begin at multiples of 64 bytes; not even an unused one is empty.
    this.scratch = library.allocate(Math.max(1, Math.ceil(most / 16)) * 16 * options.threads);
    this.arena = library.allocate(this.memory.floats);
  }

  /** Bytes of memory of the program. */
  get bytes(): number {
    return this.arena.byteLength + this.scratch.byteLength;
  }

  /** The values of a kept buffer or a part of one; writing changes them. */
  view(memory: Memory): Float32Array {
    const { buffer, from, floats } = sliceOf(memory);
    const offset = buffer.kept ? this.memory.offsets[0].get(buffer) : undefined;
    if (offset === undefined) throw new Error(`the buffer ${buffer.name} does not keep its values`);
    return this.arena.subarray(offset + from, offset + from + floats);
  }

  /** Sets all values that are not kept, to find passes that read what no pass has written. */
  fillUnkept(value: number): void {
    this.arena.fill(value, this.memory.kept + 16);
  }

  /** Runs a part of a sequence. @throws Error for passes that the library does not accept */
  run(sequence: number, part: number, images: number): Promise<void> {
    const { arena, scratch, library } = this;
    return library.run({ passes: this.encoded[sequence][part], arena, scratch, images, ...this.options });
  }
}
