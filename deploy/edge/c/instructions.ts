import { execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { invalidInput, messageOf, NasError } from '../../../base/errors.js';
import type { EdgeProgram } from '../program.js';
import { parseBenchLine, type BenchLine } from './bench.js';
import { writeC } from './index.js';
import { machines, type QemuCore } from './machines.js';

const compiler = 'arm-none-eabi-gcc';
const emulator = 'qemu-system-arm';

/** The versions of the programs that count; null for a missing one. */
export function qemuTools(): Readonly<Record<string, string | null>> {
  const version = (program: string): string | null => {
    const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    return status === 0 ? stdout.split('\n', 1)[0] : null;
  };
  return { [compiler]: version(compiler), [emulator]: version(emulator) };
}

/** @throws NasError `invalid-input` when the compiler or QEMU is missing */
export function requireQemu(): void {
  const missing = Object.entries(qemuTools()).flatMap(([program, version]) => (version === null ? [program] : []));
  if (missing.length > 0)
    throw invalidInput(`counting instructions needs ${missing.join(' and ')}, not found in PATH`, {
      hint: 'On Debian and Ubuntu: apt install gcc-arm-none-eabi qemu-system-arm.',
    });
}

const run = promisify(execFile);

export interface QemuOptions {
  /** Of the compiler; default: `-O2`. */
  readonly flags?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Awaited between compiling and running. */
  readonly between?: (() => Promise<void>) | undefined;
}

const warnings = ['-std=c99', '-Wall', '-Wextra', '-ffreestanding', '-mthumb'];

/** Compiles the C of a folder for a core under QEMU: `model.elf` runs its benchmark, or its self-test. */
export async function compileForQemu(
  directory: string,
  core: QemuCore,
  what: 'benchmark' | 'test',
  { flags = ['-O2'], signal }: QemuOptions = {},
): Promise<void> {
  const { flags: own, code, ram, hz } = machines[core];
  const places = Object.entries({ CODE: code, RAM: ram }).map(
    ([name, [origin, bytes]]) => `-Wl,--defsym=${name}_ORIGIN=${origin},--defsym=${name}_BYTES=${bytes}`,
  );
  const task = what === 'benchmark' ? [`-DNAS_BENCH_HZ=${hz}`] : [];
  const link = ['-nostdlib', ...places, '-T', 'examples/qemu/board.ld', '-I', '.', ...task];
  const files = ['examples/qemu/main.c', 'model.c', '-lgcc', '-o', 'model.elf'];
  try {
    await run(compiler, [...warnings, ...own, ...flags, ...link, ...files], { cwd: directory, signal });
  } catch (cause) {
    signal?.throwIfAborted();
    const text = messageOf(cause);
    const region = /region `(\w+)' overflowed by (\d+) bytes/.exec(text);
    if (region === null)
      throw new NasError('failure', `${compiler} does not compile the network for ${core}: ${text.slice(-600)}`, {
        cause,
      });
    throw invalidInput(
      `the network is ${region[2]} bytes too large for the ${region[1] === 'RAM' ? 'memory' : 'flash'} of QEMU's ${core}`,
      { cause },
    );
  }
}

/** Arguments of QEMU for `model.elf`; it runs one instruction each nanosecond of its own time. @param text where its text goes */
export const qemuArguments = (core: QemuCore, text = ''): readonly string[] => {
  const plain = ['-nographic', '-monitor', 'none', '-serial', 'none', '-icount', 'shift=0'];
  const semihosting = ['-semihosting-config', `enable=on,target=native${text}`];
  return ['-M', machines[core].machine, ...plain, ...semihosting, '-kernel', 'model.elf'];
};

/** The first line of the benchmark of `model.elf`. @param seconds most time that QEMU may take */
function firstLine(directory: string, core: QemuCore, seconds: number, signal?: AbortSignal): Promise<BenchLine> {
  const qemu = spawn(emulator, qemuArguments(core), {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 1000 * seconds,
    killSignal: 'SIGKILL',
    ...(signal && { signal }),
  });
  return new Promise((resolve, reject) => {
    let text = '';
    const read = (chunk: Buffer): void => {
      // Later runs may take a tick more or less, so the first line counts, also where many were written before they are read.
      text += chunk.toString('latin1');
      const line = text
        .split('\n')
        .flatMap((one) => parseBenchLine(one) ?? [])
        .at(0);
      text = text.slice(-10_000);
      if (line === undefined) return;
      resolve(line);
      qemu.kill('SIGKILL');
    };
    qemu.stdout.on('data', read);
    qemu.stderr.on('data', read);
    qemu.once('error', reject);
    qemu.once('close', (code, ended) =>
      reject(
        new NasError(
          'failure',
          `${emulator} ended with ${ended ?? String(code)} before it had a count: ${text.trim()}`,
        ),
      ),
    );
  });
}

/**
 * Counts the instructions of one image: the program in C, compiled and run on a core that QEMU emulates. The same program, compiler
 * and QEMU give the same number, to the 50 instructions of a tick. It says nothing of time: cores take one or several cycles
 * for an instruction, and wait for memory.
 * @throws NasError `invalid-input` without compiler or QEMU, and for a program that does not fit; `failure` when it computes wrongly,
 *   or compiler or QEMU fail
 */
export async function countInstructions(
  program: EdgeProgram,
  core: QemuCore,
  options: QemuOptions = {},
): Promise<number> {
  requireQemu();
  const directory = await mkdtemp(join(tmpdir(), 'nas-qemu-'));
  try {
    writeC(directory, program, { title: 'network' }, { tests: false });
    await compileForQemu(directory, core, 'benchmark', options);
    await options.between?.();
    const { ticks, hz, wrong } = await firstLine(directory, core, 600, options.signal);
    if (wrong > 0) throw new NasError('failure', `${core} under QEMU: ${wrong} outputs of the network are wrong`);
    return Math.round((ticks * 1e9) / hz);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
