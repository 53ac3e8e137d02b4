import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, hostname, networkInterfaces, platform } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../base/processes.js';
import { NasError } from '../base/errors.js';
import { contentHash } from '../base/hash.js';
import { nasVersion } from '../base/modules.js';

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null;
  }
}

/** Addresses of network cards, which no two machines share. */
const networkCards = (): readonly string[] =>
  Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal)
    .map(({ mac }) => mac)
    .sort();

/**
 * Names this machine, the same for all processes that share its processor. On Linux these are the processes of one boot of
 * the kernel, including all containers. A hash, from which nothing else can be learnt.
 */
export const machineId = (): string =>
  contentHash(
    'machine',
    read('/proc/sys/kernel/random/boot_id') ?? read('/etc/machine-id') ?? [hostname(), ...networkCards()],
  ).slice(0, 12);

/** All JavaScript below a folder but the page (`ui/`), which workers do not run: relative paths with `/`. */
const scripts = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll(sep, '/'))
    .filter((path) => path.endsWith('.js') && !path.startsWith('ui/'));

/** @param folder `dist` of a package */
export function hashOfBuild(folder: string): string {
  const hash = createHash('sha256');
  for (const path of scripts(folder).sort((a, b) => (a < b ? -1 : 1))) {
    const content = readFileSync(join(folder, path));
    hash.update(`${path}:${content.byteLength}:`).update(content);
  }
  return hash.digest('hex').slice(0, 8);
}

let knownBuild: string | undefined;

/**
 * The package's version and the hash of its JavaScript, such as `0.1.0-1a2b3c4d`. Coordinator and workers must have the same:
 * jobs are the package's own values, and other code may compute other bits. Read once per process.
 * @throws NasError `failure` when the package was not built
 */
export function buildId(): string {
  if (knownBuild !== undefined) return knownBuild;
  const folder = join(packageRoot(fileURLToPath(import.meta.url)), 'dist');
  if (!existsSync(folder)) throw new NasError('failure', `${folder} is missing`, { hint: 'npm run build makes it.' });
  return (knownBuild = `${nasVersion()}-${hashOfBuild(folder)}`);
}

/** A group of machines that compute the same bits. */
export interface Group {
  /** 12 hexadecimal digits. */
  readonly group: string;
  /** What the machines have in common, for people. */
  readonly text: string;
}

/**
 * Processor flags of `/proc/cpuinfo` by which ONNX Runtime's kernels (MLAS), the C library and Eigen choose among
 * implementations that round differently.
 */
const deciding: Readonly<Partial<Record<string, string>>> = {
  x64:
    'sse4_1 fma4 avx f16c fma avx2 avx_vnni avx_vnni_int8 avx_ne_convert ' +
    'avx512f avx512dq avx512cd avx512bw avx512vl avx512_vnni avx512_bf16 avx512_fp16 amx_tile amx_int8 amx_bf16',
  arm64: 'asimd asimdhp asimddp asimdfhm i8mm bf16 sve sve2 svei8mm svebf16 sme sme2',
};

/** The flags that decide rounding, in a fixed order; null where the system lists no flags. */
export function decidingFlags(cpuinfo: string, architecture: string): readonly string[] | null {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1];
  if (line === undefined) return null;
  const flags = new Set(line.split(/\s+/));
  return (deciding[architecture]?.split(' ') ?? [...flags].sort()).filter((flag) => flags.has(flag));
}

const processor = (): string =>
  decidingFlags(read('/proc/cpuinfo') ?? '', arch())?.join(' ') ?? cpus().at(0)?.model.trim() ?? 'an unknown processor';

/** The C library, which ONNX Runtime calls. */
function libraryName(): string | null {
  if (platform() !== 'linux') return null;
  // Without it, the report resolves network names, which may take long. The types of Node 20 lack it.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'another C library' : `glibc ${header.glibcVersionRuntime}`;
}

function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

/** The native engine of this machine: other instruction sets and libraries give other bits. */
async function nativeEngine(): Promise<string> {
  const { workingNative } = await import('../trainers/index.js');
  const library = await workingNative();
  if ('reason' in library) return 'no native engine';
  return `native engine ${library.isa} ${contentHash('native', library.stamp).slice(0, 8)}`;
}

async function describe(): Promise<Group> {
  const { resolveTarget } = await import('../compiler/index.js');
  const { block } = await resolveTarget();
  const parts = [
    `${arch()} ${platform()} ${processor()}`,
    block === null ? 'no blocks' : `blocks of ${block}`,
    await nativeEngine(),
    `ONNX Runtime ${versionOf('onnxruntime-node')}`,
    `TF.js ${versionOf('@tensorflow/tfjs-core')}`,
    `Node.js ${process.versions.node.split('.')[0]}`,
    libraryName(),
  ].filter((part) => part !== null);
  return { group: contentHash('group', parts).slice(0, 12), text: parts.join(', ') };
}

let knownGroup: Promise<Group> | undefined;

/** The group of this machine; determined once per process. */
export const describeGroup = (): Promise<Group> => (knownGroup ??= describe());
