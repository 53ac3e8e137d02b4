import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe } from 'vitest';

export const hasProgram = (name: string): boolean => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;

/** Tests that call programs; skipped with a message where one is missing. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => !hasProgram(program));
  if (missing.length > 0) describe.skip(`${name} (skipped: missing ${missing.join(', ')})`, tests);
  else describe(name, tests);
}

const warnings = ['-std=c99', '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];

/** Compiles a model and its self-test for this machine and runs them: what the test prints, whatever its exit code. */
export function runOnHost(compiler: string, directory: string, flags: readonly string[] = ['-O1']): string {
  const files = ['examples/host/main.c', 'model.c'];
  execFileSync(compiler, [...warnings, ...flags, ...files, '-o', 'self-test'], { cwd: directory });
  return spawnSync(join(directory, 'self-test'), { encoding: 'utf8' }).stdout;
}

/** A board of QEMU, and flags for its core. */
export interface Board {
  readonly machine: string;
  readonly core: readonly string[];
  readonly code: number;
  readonly ram: number;
  /** Nanoseconds of a tick of its clock; with `-icount shift=0`, an instruction takes one. */
  readonly tick: number;
}

export const boards = {
  'Cortex-M4': { machine: 'mps2-an386', core: ['-mcpu=cortex-m4'], code: 0, ram: 0x2000_0000, tick: 40 },
  'Cortex-M33': { machine: 'mps2-an505', core: ['-mcpu=cortex-m33'], code: 0x1000_0000, ram: 0x3800_0000, tick: 50 },
  'Cortex-M55': {
    machine: 'mps3-an547',
    core: ['-mcpu=cortex-m55', '-mfloat-abi=hard'],
    code: 0,
    ram: 0x2000_0000,
    tick: 31.25,
  },
} as const satisfies Record<string, Board>;

const own = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const arm = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-mthumb'];

/** Bytes of code and constants, and of memory, of a compiled model; and the functions it expects of a library. */
export function compiledSizes(directory: string, core: readonly string[], flags: readonly string[] = ['-Os']) {
  const run = (program: string, ...args: string[]): string =>
    execFileSync(`arm-none-eabi-${program}`, args, { cwd: directory, encoding: 'utf8' });
  run('gcc', ...arm, ...core, ...flags, '-c', 'model.c', '-o', 'model.o');
  const [text, data, bss] = (run('size', 'model.o').split('\n')[1] ?? '').trim().split(/\s+/).map(Number);
  return { flash: text + data, ram: bss, expects: run('nm', '-u', 'model.o').trim() };
}

export interface BoardRun {
  readonly part: number;
  readonly wrong: number;
  readonly of: number;
  /** Instructions of one image. */
  readonly instructions: number;
}

/** Runs the self-test of a model on a board under QEMU, which counts instructions. */
export function runOnBoard(
  { machine, core, code, ram, tick }: Board,
  directory: string,
  flags: readonly string[],
): BoardRun {
  copyFileSync(own('boot.c'), join(directory, 'boot.c'));
  const places = [`-Wl,--defsym=CODE_ORIGIN=${code},--defsym=RAM_ORIGIN=${ram}`, '-T', own('board.ld')];
  const link = ['-nostdlib', ...places, 'boot.c', 'model.c', '-lgcc', '-o', 'model.elf'];
  execFileSync('arm-none-eabi-gcc', [...arm, ...core, ...flags, ...link], { cwd: directory });
  const semihosting = ['-semihosting-config', 'enable=on,target=native'];
  const args = ['-M', machine, '-icount', 'shift=0', '-nographic', ...semihosting, '-kernel', 'model.elf'];
  const { stdout, stderr } = spawnSync('qemu-system-arm', args, { cwd: directory, encoding: 'utf8', timeout: 60_000 });
  const found = /part (\d+) wrong (\d+) of (\d+) ticks (\d+)/.exec(stdout + stderr);
  if (found === null) throw new Error(`QEMU ${machine}: ${stdout}${stderr}`);
  const [part, wrong, of, ticks] = found.slice(1).map(Number);
  return { part, wrong, of, instructions: ticks * tick };
}
