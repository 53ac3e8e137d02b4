import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../base/errors.js';
import { cacheDirectory } from '../base/files.js';
import { bytes } from '../experiments/report/index.js';
import { nasVersion } from '../base/modules.js';
import type { Adapters, IntegerArithmetic } from '../compiler/index.js';
import type { EngineAvailability } from '../trainers/index.js';

export interface CacheEntry {
  /** `data/fashion-mnist-1a2b...`, relative to the caches' folder. */
  readonly name: string;
  readonly size: string;
}

/** What works on this machine; plain data. */
export interface Diagnosis {
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string>>;
  readonly engines: readonly EngineAvailability[];
  /** What `engine: auto` chooses. */
  readonly active: string;
  /** What WebGPU can run on, and what it takes by itself. */
  readonly adapters: Adapters;
  /** Whether the adapter that WebGPU takes computes float16; null when it takes none. */
  readonly float16: boolean | null;
  /** How the processor sums products of bytes; null when that could not be asked. */
  readonly integers: IntegerArithmetic | null;
  /** Result of the blocked path's self-test. */
  readonly blocked: string;
  readonly caches: { readonly directory: string; readonly entries: readonly CacheEntry[] };
  readonly advice: readonly string[];
}

const sizeOf = (path: string): number =>
  statSync(path).isDirectory()
    ? readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
    : statSync(path).size;

/** The entries of each kind of cache: `data/...`, `teachers/...`; the locks beside them hold nothing. */
function listCaches(directory: string): CacheEntry[] {
  if (!existsSync(directory)) return [];
  const kinds = readdirSync(directory).filter((kind) => statSync(join(directory, kind)).isDirectory());
  return kinds.flatMap((kind) =>
    readdirSync(join(directory, kind))
      .filter((name) => !name.endsWith('.lock'))
      .map((name) => ({ name: join(kind, name), size: bytes(sizeOf(join(directory, kind, name))) })),
  );
}

async function blockedPath(): Promise<string> {
  const { blockedSupport } = await import('../compiler/index.js');
  try {
    const block = await blockedSupport();
    return block === null
      ? 'the self-test failed here; plain ONNX is used (slower, same results)'
      : `works (blocks of ${block} channels)`;
  } catch (error) {
    return `the self-test could not run: ${messageOf(error)}`;
  }
}

async function activeEngine(): Promise<string> {
  const { chooseEngine, engineSchema } = await import('../trainers/index.js');
  try {
    const choice = await chooseEngine(engineSchema.parse({}));
    return choice.type === 'compiled'
      ? `compiled, ONNX Runtime ${choice.provider}${choice.adapter === null ? '' : ` on ${choice.adapter.name}`} (engine: auto)`
      : `eager, TF.js ${choice.backend} (engine: auto)`;
  } catch (error) {
    return `nothing trains here: ${messageOf(error)}`;
  }
}

function advise(
  engines: readonly EngineAvailability[],
  { taken }: Adapters,
  howToGet: (provider: string) => string,
): string[] {
  const { platform, arch } = process;
  const hasCuda = engines.some(({ backend }) => backend === 'cuda');
  const hasNative = engines.some(({ backend, available }) => backend === 'tensorflow' && available);
  return [
    taken?.kind === 'hardware'
      ? `WebGPU: runs on ${taken.name}; engine: auto takes it`
      : `${howToGet('webgpu')}; then engine: auto takes it. ${withoutCard(taken)}`,
    hasCuda ? howToGet('cuda') : `CUDA: onnxruntime-node has it on Linux x64 only; this is ${platform} ${arch}`,
    hasNative
      ? 'TF.js native: works; choose it with engine: {type: eager, backend: tensorflow}'
      : 'TF.js native: npm install @tensorflow/tfjs-node-gpu (downloads libtensorflow; CUDA 11 and cuDNN 8), then engine: {type: eager, backend: tensorflow}',
    'More threads: engine.threads for each training worker, search.parallel for more workers, latency.device.threads for measurements',
    'Another folder for caches: NAS_CACHE=/path',
  ];
}

const withoutCard = (taken: Adapters['taken']): string =>
  taken === null
    ? 'Now WebGPU has no adapter.'
    : `Now WebGPU runs on ${taken.name}, which engine: {provider: webgpu} takes for tests.`;

/** Examines this machine; loads every engine to see whether it works. */
export async function examine(): Promise<Diagnosis> {
  const { engineAvailability } = await import('../trainers/index.js');
  const { howToGet, integerArithmetic, tryHalf, tryWebGpu } = await import('../compiler/index.js');
  const engines = await engineAvailability();
  const { adapters } = await tryWebGpu();
  const directory = cacheDirectory();
  return {
    versions: { nas: nasVersion(), node: process.versions.node },
    machine: {
      processor: cpus().at(0)?.model.trim() ?? 'unknown',
      cores: String(availableParallelism()),
      memory: bytes(totalmem()),
      platform: `${process.platform} ${process.arch}`,
    },
    engines,
    adapters,
    float16: adapters.taken === null ? null : (await tryHalf('webgpu')) === null,
    integers: await integerArithmetic().catch(() => null),
    active: await activeEngine(),
    blocked: await blockedPath(),
    caches: { directory, entries: listCaches(directory) },
    advice: advise(engines, adapters, howToGet),
  };
}
