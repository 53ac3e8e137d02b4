import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import ort from 'onnxruntime-node/package.json' with { type: 'json' };
import { integerArithmetic } from '../../compiler/index.js';

/** Instructions that decide how fast and how exactly bytes are multiplied on x86, as Linux names them. */
const instructions = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8'] as const;

/** Those of them that sum products of bytes in 32 bits. */
const exact = new Set<string>(['avx512_vnni', 'avx_vnni', 'amx_int8']);

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** What of `instructions` the processor has; null where the system does not tell. */
  readonly flags: readonly string[] | null;
  /** Whether bytes are multiplied by VNNI or something like it; null where the system does not tell. */
  readonly vnni: boolean | null;
  /** What ONNX Runtime does with sums of products of bytes here, asked by a small model. */
  readonly integers: string;
  readonly node: string;
  readonly onnxruntime: string;
  /** One-minute load average at the start. */
  readonly load: number;
}

function flagsOf(): readonly string[] | null {
  const file = '/proc/cpuinfo';
  const line = existsSync(file) ? /^flags\s*:(.*)$/m.exec(readFileSync(file, 'utf8'))?.[1] : undefined;
  if (line === undefined) return null;
  const all = new Set(line.trim().split(/\s+/));
  return instructions.filter((flag) => all.has(flag));
}

export async function describeMachine(): Promise<Machine> {
  const flags = flagsOf();
  return {
    processor: cpus().at(0)?.model.trim() ?? 'unknown',
    cores: cpus().length,
    flags,
    vnni: flags === null ? null : flags.some((flag) => exact.has(flag)),
    integers: await integerArithmetic(),
    node: process.versions.node,
    onnxruntime: ort.version,
    load: Number(loadavg()[0].toFixed(2)),
  };
}
