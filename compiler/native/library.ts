import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LibraryHandle } from 'koffi';
import { messageOf } from '../../base/errors.js';
import { packageRoot } from '../../base/processes.js';
import { passInts } from './encode.js';
import { fields, ops } from './passes.js';

/** Instruction sets that the library has kernels for. */
export const instructionSets = ['avx512', 'avx2', 'neon'] as const;
export type InstructionSet = (typeof instructionSets)[number];

/** One call of the library; see `struct nas_call`. */
export interface Call {
  /** From `encodePasses`. */
  readonly passes: Int32Array;
  readonly arena: Float32Array;
  /** [threads][floats of the pass that needs most]. */
  readonly scratch: Float32Array;
  readonly images: number;
  readonly chunks: number;
  readonly threads: number;
}

/** The library for one instruction set. */
export interface NativeLibrary {
  readonly isa: InstructionSet;
  /** Names its sources and its compiler. */
  readonly stamp: string;
  /** Floats of scratch that each thread needs for these passes. */
  scratch(passes: Int32Array): number;
  /** Runs passes on threads of their own; the event loop goes on. @throws Error for a pass that is not possible */
  run(call: Call): Promise<void>;
  /** Floats, of value 0, at an address that is a multiple of 64 bytes, in large pages where the system has them. */
  allocate(floats: number): Float32Array;
}

const require = createRequire(import.meta.url);
const extensions: Readonly<Record<string, string>> = { linux: 'so', darwin: 'dylib', win32: 'dll' };
const build = '`npm run build:native` builds it where there is a C compiler.';

/** The file of the library for this machine. */
function libraryFile(): string {
  const root = packageRoot(fileURLToPath(import.meta.url));
  return join(
    root,
    'native',
    'lib',
    `${process.platform}-${process.arch}`,
    `nas.${extensions[process.platform] ?? 'so'}`,
  );
}

/** Why there is no native library, for people. */
class NoLibrary extends Error {}

/** The library's functions, whose arguments koffi converts. */
type Foreign = (...values: readonly unknown[]) => unknown;

function functionOf(library: LibraryHandle, definition: string): Foreign {
  return library.func(definition) as Foreign;
}

function checkNames(library: LibraryHandle): void {
  const own = { nas_fields: ['op', ...Object.keys(fields)], nas_ops: ops };
  for (const [name, expected] of Object.entries(own)) {
    const list = String(functionOf(library, `const char *${name}()`)()).trim();
    if (list !== expected.join(' ')) throw new NoLibrary(`${libraryFile()} was built from other sources: ${build}`);
  }
}

/** The instruction set to use: `NAS_NATIVE`, or the best of this processor. */
function chosen(best: string, wanted: string | undefined): InstructionSet {
  const here = instructionSets.filter((isa) => isa === best || (isa === 'avx2' && best === 'avx512'));
  if (here.length === 0)
    throw new NoLibrary(
      'this processor has none of the instructions that the library needs: AVX2 with FMA, AVX-512 or NEON',
    );
  const found = here.find((isa) => isa === (wanted ?? here[0]));
  if (found === undefined) throw new NoLibrary(`NAS_NATIVE is ${wanted}; this processor has ${here.join(' and ')}`);
  return found;
}

function open(wanted: string | undefined): NativeLibrary {
  if (wanted === 'off') throw new NoLibrary('NAS_NATIVE is off');
  const file = libraryFile();
  if (!existsSync(file))
    throw new NoLibrary(`there is no library for ${process.platform}-${process.arch} (${file}); ${build}`);
  const koffi = require('koffi') as typeof import('koffi');
  const library = koffi.load(file);
  checkNames(library);
  const isa = chosen(String(functionOf(library, 'const char *nas_best()')()), wanted);
  const size = 'const int32_t *passes, int64_t count';
  const run = library.func(
    `int64_t nas_run_${isa}(${size}, float *arena, int64_t arena_floats, float *scratch, int64_t scratch_floats, ` +
      'int32_t images, int32_t chunks, int32_t threads)',
  );
  const scratch = functionOf(library, `int64_t nas_scratch_${isa}(const int32_t *pass)`);
  const misalignment = functionOf(library, 'int64_t nas_misalignment(const uint8_t *address)');
  const largePages = functionOf(library, 'void nas_large_pages(uint8_t *address, int64_t bytes)');
  return {
    isa,
    stamp: String(functionOf(library, 'const char *nas_stamp()')()),
    scratch(passes) {
      let most = 0;
      for (let i = 0; i < passes.length; i += passInts)
        most = Math.max(most, Number(scratch(passes.subarray(i, i + passInts))));
      return most;
    },
    run: ({ passes, arena, scratch: rows, images, chunks, threads }) =>
      new Promise((resolve, reject) => {
        const count = passes.length / passInts;
        const done = (error: Error | null, bad: number | bigint): void => {
          if (error !== null) reject(error);
          else if (Number(bad) === 0) resolve();
          else reject(new Error(badPass(passes, Number(bad))));
        };
        const args = [
          passes,
          count,
          arena,
          arena.length,
          rows,
          Math.floor(rows.length / threads),
          images,
          chunks,
          threads,
        ];
        run.async(...args, done);
      }),
    allocate(floats) {
      const bytes = new Uint8Array(floats * 4 + 64);
      const from = (64 - Number(misalignment(bytes))) % 64;
      largePages(bytes, bytes.length);
      return new Float32Array(bytes.buffer, from, floats);
    },
  };
}

/** What the library says about a call by a number that is not 0. */
function badPass(passes: Int32Array, bad: number): string {
  if (bad < 0) return 'the native library does not accept the call: its images, chunks, threads or sizes';
  const op = ops[passes[(bad - 1) * passInts]];
  return `the native library does not accept pass ${bad - 1} (${op}): a size does not fit, or the operation is not there`;
}

const opened = new Map<string, NativeLibrary | { readonly reason: string }>();

/**
 * The native library, loaded at the first call, or why there is none.
 * @param wanted an instruction set; default: the environment variable NAS_NATIVE, else the best that is here. `off` in that
 *   variable goes before everything.
 */
export function nativeLibrary(
  wanted = process.env['NAS_NATIVE'] || undefined,
): NativeLibrary | { readonly reason: string } {
  const key = process.env['NAS_NATIVE'] === 'off' ? 'off' : (wanted ?? '');
  let found = opened.get(key);
  if (found === undefined) {
    try {
      found = open(key || undefined);
    } catch (error) {
      const reason = messageOf(error).split('\n', 1).join('');
      found = { reason: error instanceof NoLibrary ? reason : `the native library does not load: ${reason}` };
    }
    opened.set(key, found);
  }
  return found;
}
