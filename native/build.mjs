// Builds the library of native/ with a C compiler: native/lib/<platform>-<arch>/nas.so (.dylib on macOS, .dll on Windows).
//   node native/build.mjs [--target linux-arm64]... [--check]
// Without targets: this machine's, and linux-arm64 where its cross compiler is installed. CC names a compiler for this machine.
// --check builds into a temporary folder and compares with the library that is there: its sources have to be these; where the
// compiler is the same, every byte has to be equal.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** Instruction sets by the processor's name in Node.js, and what the compiler calls them. */
const instructionSets = {
  x64: { avx512: '-march=x86-64-v4', avx2: '-march=x86-64-v3' },
  arm64: { neon: '-march=armv8-a' },
};
// _GNU_SOURCE declares the functions for cores of threads.
const flags = ['-std=gnu11', '-D_GNU_SOURCE', '-O3', '-Wall', '-Wextra', '-ffp-contract=fast'];
const systems = {
  linux: {
    file: 'nas.so',
    compile: ['-fPIC'],
    link: ['-shared', '-pthread', '-s', '-Wl,--build-id=none,-z,noexecstack,-soname,nas.so'],
  },
  darwin: { file: 'nas.dylib', compile: [], link: ['-dynamiclib'] },
  win32: { file: 'nas.dll', compile: [], link: ['-shared', '-static', '-pthread', '-s'] },
};
/** Cross compilers of Debian. */
const crossCompilers = { 'linux-arm64': 'aarch64-linux-gnu-gcc', 'linux-x64': 'x86_64-linux-gnu-gcc' };

/** A hash of everything that decides about the library, besides the compiler. */
export function sourcesHash() {
  const files = readdirSync(here).filter((file) => /\.[ch]$/.test(file) || file === 'build.mjs');
  const hash = createHash('sha256');
  for (const file of files.sort())
    hash.update(`${file}\0${readFileSync(join(here, file), 'utf8').replaceAll('\r\n', '\n')}\0`);
  return hash.digest('hex');
}

/** The first line that a compiler says about its version; null where there is none of this name. */
function versionOf(compiler) {
  try {
    return execFileSync(compiler, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
      1,
    )[0];
  } catch {
    return null;
  }
}

function compilerFor(target) {
  const own = target === `${process.platform}-${process.arch}`;
  const names = own ? [process.env['CC'], 'cc', 'gcc', 'clang'] : [crossCompilers[target]];
  return names.find((name) => name && versionOf(name) !== null) ?? null;
}

/** Without the name by which it was called: `gcc (Debian 12.4.0-5) 12.4.0` and `cc (Debian ...` are the same. */
const compilerStamp = (compiler) =>
  versionOf(compiler)
    .replace(/^\S+ (?=\()/, '')
    .replace(/\s+/g, ' ');

/** Builds a library; the same bytes from the same sources and compiler. */
function build(target, compiler, output, strict) {
  const [platform, arch] = target.split('-');
  const { compile, link } = systems[platform];
  const objects = mkdtempSync(join(tmpdir(), 'nas-native-'));
  const run = (...args) => execFileSync(compiler, args, { cwd: here, stdio: 'inherit' });
  const all = [...flags, ...(strict ? ['-Werror'] : []), ...compile];
  const stamp = `-DNAS_STAMP="nas sources ${sourcesHash()}, compiler ${compilerStamp(compiler)};"`;
  try {
    const made = [join(objects, 'nas.o')];
    run(...all, stamp, '-c', 'nas.c', '-o', made[0]);
    for (const [isa, option] of Object.entries(instructionSets[arch])) {
      made.push(join(objects, `${isa}.o`));
      run(...all, option, `-DNAS_ISA=${isa}`, '-c', 'isa.c', '-o', made.at(-1));
    }
    mkdirSync(dirname(output), { recursive: true });
    // Another process may have loaded the old file: it is replaced, not changed.
    const fresh = `${output}.${process.pid}`;
    run(...made, ...link, '-o', fresh, ...(platform === 'win32' ? [] : ['-lm']));
    renameSync(fresh, output);
  } finally {
    rmSync(objects, { recursive: true });
  }
}

/** The stamp in the bytes of a library, which may be one for another processor. */
function stampOf(file) {
  const [, sources = '', compiler = ''] =
    /nas sources (\w+), compiler ([^;]*);/.exec(readFileSync(file, 'latin1')) ?? [];
  return { sources, compiler };
}

/** What is wrong with a library that is there; null: nothing is. */
function wrongWith(target, file, compiler) {
  if (!existsSync(file)) return 'is not there';
  const stamp = stampOf(file);
  if (stamp.sources !== sourcesHash()) return 'was built from other sources';
  if (compiler === null || compilerStamp(compiler) !== stamp.compiler) {
    console.log(
      `${target}: from these sources, as its stamp says; built by "${stamp.compiler}", which is not here, so its bytes are not compared`,
    );
    return null;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nas-native-'));
  try {
    build(target, compiler, join(folder, 'nas'), true);
    if (!readFileSync(join(folder, 'nas')).equals(readFileSync(file)))
      return 'has other bytes than a new build by the same compiler';
    console.log(`${target}: equal to a new build, byte for byte`);
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function main(args) {
  const check = args.includes('--check');
  const own = `${process.platform}-${process.arch}`;
  const named = args.flatMap((arg, i) => (args[i - 1] === '--target' ? [arg] : []));
  const shipped = ['linux-x64', 'linux-arm64'];
  const targets =
    named.length > 0
      ? named
      : check
        ? shipped
        : [...new Set([own, ...shipped])].filter((each) => each === own || compilerFor(each) !== null);
  for (const target of targets) {
    const [platform, arch] = target.split('-');
    if (!(platform in systems) || !(arch in instructionSets))
      throw new Error(
        `there are no kernels for ${target}: they are for ${Object.keys(instructionSets).join(' and ')} on ${Object.keys(systems).join(', ')}`,
      );
    const compiler = compilerFor(target);
    const file = join(here, 'lib', target, systems[platform].file);
    const shown = relative(process.cwd(), file);
    if (check) {
      const wrong = wrongWith(target, file, compiler);
      if (wrong !== null)
        throw new Error(
          `${shown} ${wrong}: run npm run build:native with ${versionOf('gcc') ?? 'gcc'} of Debian, and commit it`,
        );
    } else {
      if (compiler === null)
        throw new Error(
          `there is no C compiler for ${target}: install ${crossCompilers[target] ?? 'gcc or clang'}, or name one by CC`,
        );
      build(target, compiler, file, false);
      console.log(`${shown}: ${readFileSync(file).length >> 10} KiB, by ${versionOf(compiler)}`);
    }
  }
}

try {
  main(process.argv.slice(2));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
