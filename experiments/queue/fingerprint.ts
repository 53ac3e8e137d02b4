import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus, platform } from 'node:os';
import { contentHash } from '../../base/hash.js';

/** Machines of one group compute the same bits. */
export interface Group {
  /** 12 hexadecimal digits. */
  readonly group: string;
  /** What they have in common, for people. */
  readonly text: string;
}

/**
 * Flags by which ONNX Runtime's kernels (MLAS), the C library's functions and Eigen choose among forms that round
 * differently, as `/proc/cpuinfo` writes them.
 */
const deciding: Readonly<Record<string, readonly string[]>> = {
  x64: [
    'sse4_1',
    'fma4',
    'avx',
    'f16c',
    'fma',
    'avx2',
    'avx_vnni',
    'avx_vnni_int8',
    'avx_ne_convert',
    'avx512f',
    'avx512dq',
    'avx512cd',
    'avx512bw',
    'avx512vl',
    'avx512_vnni',
    'avx512_bf16',
    'avx512_fp16',
    'amx_tile',
    'amx_int8',
    'amx_bf16',
  ],
  arm64: [
    'asimd',
    'asimdhp',
    'asimddp',
    'asimdfhm',
    'i8mm',
    'bf16',
    'sve',
    'sve2',
    'svei8mm',
    'svebf16',
    'sme',
    'sme2',
  ],
};

/** The flags of a processor that decide bits, in a fixed order; null where the system does not tell any. */
export function decidingFlags(cpuinfo: string, architecture: string): readonly string[] | null {
  const line = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo)?.[1];
  if (line === undefined) return null;
  const flags = new Set(line.split(/\s+/));
  return (deciding[architecture] ?? [...flags].sort()).filter((flag) => flags.has(flag));
}

function processor(): string {
  let cpuinfo = '';
  try {
    cpuinfo = readFileSync('/proc/cpuinfo', 'latin1');
  } catch {
    // Not Linux.
  }
  return decidingFlags(cpuinfo, arch())?.join(' ') ?? cpus().at(0)?.model.trim() ?? 'an unknown processor';
}

/** The C library, whose functions ONNX Runtime calls: its version where it is glibc. */
function library(): string | null {
  if (platform() !== 'linux') return null;
  // Names of network addresses would be looked up, which may take long; not in the types of this version.
  const report = Object.assign(process.report, { excludeNetwork: true });
  const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return header?.glibcVersionRuntime === undefined ? 'another C library' : `glibc ${header.glibcVersionRuntime}`;
}

function versionOf(name: string): string {
  const { version } = createRequire(import.meta.url)(`${name}/package.json`) as { version: string };
  return version;
}

async function describe(): Promise<Group> {
  const { resolveTarget } = await import('../../compiler/index.js');
  const { block } = await resolveTarget();
  const parts = [
    `${arch()} ${platform()} ${processor()}`,
    block === null ? 'no blocks' : `blocks of ${block}`,
    `ONNX Runtime ${versionOf('onnxruntime-node')}`,
    `TF.js ${versionOf('@tensorflow/tfjs-core')}`,
    `Node.js ${process.versions.node.split('.')[0]}`,
    library(),
  ].filter((part) => part !== null);
  return { group: contentHash('group', parts).slice(0, 12), text: parts.join(', ') };
}

let known: Promise<Group> | undefined;

/** What decides the bits of this machine's results. Found once per process. */
export const describeGroup = (): Promise<Group> => (known ??= describe());
