import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe } from 'vitest';
import { compileForQemu, qemuArguments } from '../../../../../deploy/edge/c/instructions.js';
import type { QemuCore } from '../../../../../deploy/edge/c/machines.js';

export const hasProgram = (name: string): boolean => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0;

/** Tests that call programs; skipped with a message where one is missing. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const missing = programs.filter((program) => !hasProgram(program));
  if (missing.length > 0) describe.skip(`${name} (skipped: missing ${missing.join(', ')})`, tests);
  else describe(name, tests);
}

const warnings = ['-std=c99', '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];

/** Compiles a model and its self-test for this machine and runs them: what the test prints, whatever its exit code. */
export function runOnHost(
  compiler: string,
  directory: string,
  flags: readonly string[] = ['-O1'],
  files: readonly string[] = ['examples/host/main.c', 'model.c'],
): string {
  execFileSync(compiler, [...warnings, ...flags, ...files, '-o', 'self-test'], { cwd: directory });
  return spawnSync(join(directory, 'self-test'), { encoding: 'utf8' }).stdout;
}

const arm = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-ffreestanding', '-mthumb'];

/** Bytes of code and constants, and of memory, of a compiled model; and the functions it expects of a library. */
export function compiledSizes(directory: string, core: readonly string[], flags: readonly string[] = ['-Os']) {
  const run = (program: string, ...args: string[]): string =>
    execFileSync(`arm-none-eabi-${program}`, args, { cwd: directory, encoding: 'utf8' });
  run('gcc', ...arm, ...core, ...flags, '-c', 'model.c', '-o', 'model.o');
  const [text, data, bss] = (run('size', 'model.o').split('\n')[1] ?? '').trim().split(/\s+/).map(Number);
  return { flash: text + data, ram: bss, expects: run('nm', '-u', 'model.o').trim() };
}

/** Runs the self-test of a model on a core under QEMU: what it prints, whatever its exit code. */
export async function runOnBoard(core: QemuCore, directory: string, flags: readonly string[]): Promise<string> {
  await compileForQemu(directory, core, 'test', { flags: [...flags, '-Werror'] });
  const options = { cwd: directory, encoding: 'utf8', timeout: 60_000 } as const;
  const { stdout, stderr } = spawnSync('qemu-system-arm', qemuArguments(core), options);
  return stdout + stderr;
}
