import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import ort from 'onnxruntime-node/package.json' with { type: 'json' };
import { integerArithmetic } from '../../compiler/index.js';

/** Linux names of the x86 instruction sets that determine speed and exactness of int8 products. */
const instructions = ['avx2', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8'] as const;

/** Instruction sets that accumulate int8 products in 32 bits. */
const exact = new Set<string>(['avx512_vnni', 'avx_vnni', 'amx_int8']);

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** The processor's subset of `instructions`; null if unknown. */
  readonly flags: readonly string[] | null;
  /** Whether the processor has VNNI or an equivalent; null if unknown. */
  readonly vnni: boolean | null;
  /** How ONNX Runtime accumulates int8 products here, tested with a small model. */
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
