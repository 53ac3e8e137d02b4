import * as tf from '@tensorflow/tfjs-core';
import { DeviceFailure, invalidInput, messageOf, NasError } from '../../base/errors.js';
import {
  type Adapter,
  adapterNamed,
  describeAdapter,
  findCard,
  listProviders,
  requireWorking,
  resolveTarget,
  type Target,
  tryProvider,
  tryWebGpu,
} from '../../compiler/index.js';
import type { InstructionSet, NativeLibrary } from '../../compiler/native/index.js';
import { workingNative } from '../native/index.js';
import type { EngineConfig } from '../schema/engine.js';
import { createRequire } from 'node:module';

/** The compiled engine and its device. */
export interface CompiledChoice extends Pick<Target, 'provider' | 'device'> {
  readonly type: 'compiled';
  /** The adapter of WebGPU; null for other providers, and where the system does not report it. */
  readonly adapter: Adapter | null;
  /** Chosen for other machines; each machine verifies it before training. */
  readonly untried?: true;
}

/** The native engine, which leaves what it does not train to the compiled engine on the processor. */
export interface NativeChoice {
  readonly type: 'native';
  /** Null: chosen for other machines; each machine takes its best one. */
  readonly isa: InstructionSet | null;
  /** Chosen by `auto` for other machines: where it does not work, they take the compiled engine. */
  readonly orCompiled?: true;
}

/** A verified engine, as plain data for worker processes. */
export type EngineChoice = CompiledChoice | NativeChoice;

/** A configured engine, or one that is verified already. */
export type AnyEngine = EngineConfig | EngineChoice;

/** The compiled engine on the processor. */
export const onProcessor: CompiledChoice = { type: 'compiled', provider: 'cpu', device: null, adapter: null };

/** The compiled engine with a provider and device of other machines. */
export const onOthers = (provider: string, device: EngineConfig['device']): CompiledChoice =>
  provider === 'cpu'
    ? onProcessor
    : { ...onProcessor, provider, device: device === undefined ? null : String(device), untried: true };

const doctorHint = '`nas doctor` shows what works here and how to get more.';

/** Without a configured provider: a working hardware graphics card; null: there is none. */
async function onCard(): Promise<CompiledChoice | null> {
  const card = await findCard();
  return card && { ...onProcessor, provider: 'webgpu', adapter: card };
}

/** Instruction sets with which the native engine takes less time than the compiled one, as measured: ADR 41. */
const faster: ReadonlySet<InstructionSet> = new Set(['avx512', 'avx2']);

/** The native library where `auto` takes it on a processor, or why it does not. */
export async function nativeForAuto(): Promise<NativeLibrary | { readonly reason: string }> {
  const library = await workingNative();
  if ('reason' in library || faster.has(library.isa)) return library;
  return { reason: `it was not timed on a processor with ${library.isa}; engine: native takes it` };
}

async function fastestHere(): Promise<NativeChoice | CompiledChoice> {
  const library = await nativeForAuto();
  return 'reason' in library ? onProcessor : { type: 'native', isa: library.isa };
}

async function compiled(provider: string, wanted: EngineConfig['device']): Promise<CompiledChoice> {
  if (provider === 'webgpu') return onWebGpu(wanted === undefined ? null : String(wanted));
  const device = wanted === undefined ? null : String(wanted);
  await requireWorking(provider, device);
  return { ...onProcessor, provider, device };
}

async function onWebGpu(wanted: string | null): Promise<CompiledChoice> {
  const device = wanted === null ? null : (await adapterNamed(wanted)).id;
  await requireWorking('webgpu', device);
  const { taken } = (await tryWebGpu(device)).adapters;
  return { ...onProcessor, provider: 'webgpu', device, adapter: taken };
}

/** @throws NasError `invalid-input` when the native library does not work */
async function native(): Promise<NativeChoice> {
  const library = await workingNative();
  if (!('reason' in library)) return { type: 'native', isa: library.isa };
  throw invalidInput(`engine.type is native, which does not work here: ${library.reason}`, { hint: doctorHint });
}

/** Re-validates on this machine an engine chosen elsewhere; throws if it is unavailable or software-only. */
async function triedHere({ provider, device }: CompiledChoice): Promise<CompiledChoice> {
  const hint =
    'Give the tag of the run (workers.tag) to workers with a graphics card alone; `nas doctor` shows what is here.';
  const choice = await compiled(provider, device ?? undefined).catch((cause: unknown) => {
    throw new DeviceFailure('lost', messageOf(cause), { hint, cause });
  });
  if (choice.adapter?.kind !== 'software') return choice;
  const what = `the run trains on graphics cards (${provider}), and here is only ${describeAdapter(choice.adapter)}`;
  throw new DeviceFailure('lost', what, { hint });
}

/** The instruction set of this machine for a native engine chosen elsewhere. */
async function nativeHere(choice: NativeChoice): Promise<NativeChoice | CompiledChoice> {
  if (choice.isa === null && choice.orCompiled === true) return fastestHere();
  const library = await workingNative(choice.isa ?? undefined);
  if (!('reason' in library)) return { type: 'native', isa: library.isa };
  throw new DeviceFailure('lost', `the native engine does not work here: ${library.reason}`, {
    hint: `Train on machines where it works, or with engine: compiled. ${doctorHint}`,
  });
}

/**
 * Verifies the configured engine. `auto` is the compiled one when a provider is named;
 * else the compiled one on a graphics card, the native one where it works, or the compiled one on the processor. An engine
 * that is verified already is returned; one chosen for other machines is re-validated.
 * @throws NasError `invalid-input` when the configured engine does not work here; DeviceFailure when one chosen elsewhere
 *   does not, or would run on a software adapter
 */
export async function chooseEngine(engine: AnyEngine): Promise<EngineChoice> {
  if ('adapter' in engine) return engine.untried === true ? triedHere(engine) : engine;
  if ('isa' in engine) return nativeHere(engine);
  const { type } = engine;
  if (type === 'native') return native();
  const { provider, device } = engine;
  if (provider !== undefined) return compiled(provider, device);
  return (await onCard()) ?? (type === 'auto' ? fastestHere() : onProcessor);
}

/** Activates the TF.js backend on which models are built. */
export async function activateBackend(): Promise<void> {
  // Without this, the first use prints an advertisement for tfjs-node.
  tf.enableProdMode();
  await import('@tensorflow/tfjs-backend-cpu');
  if (!(await tf.setBackend('cpu'))) throw new NasError('failure', 'the TF.js backend cpu does not start');
}

/** The device for ONNX models beside an engine: the compiled engine's own, or the processor beside the native engine. */
export const placeOf = (engine: EngineChoice): Pick<Target, 'provider' | 'device'> => {
  const { provider, device } = engine.type === 'compiled' ? engine : onProcessor;
  return { provider, device };
};

export interface TargetThreads {
  readonly threads: number;
  /** Whether other work shares the cores: waiting threads then sleep. Default false. */
  readonly sharedCores?: boolean | undefined;
}

/** The target for programs that are always compiled, whatever the engine; see `placeOf`. */
export const targetBeside = (engine: EngineChoice, { threads, sharedCores = false }: TargetThreads): Promise<Target> =>
  resolveTarget({
    ...placeOf(engine),
    threads,
    spinning: !sharedCores,
  });

/** Whether an engine works here. */
export interface EngineAvailability {
  readonly engine: EngineChoice['type'];
  /** ONNX Runtime execution provider (`engine.provider`), or instruction set. */
  readonly backend: string;
  readonly available: boolean;
  /** Package and version, e.g. `onnxruntime-node 1.30.0`; null when it does not load. */
  readonly version: string | null;
  /** Why it does not load; null when it does. */
  readonly reason: string | null;
}

const require = createRequire(import.meta.url);

function versionOf(packageName: string): string {
  try {
    const { version } = require(`${packageName}/package.json`) as { version: string };
    return `${packageName} ${version}`;
  } catch {
    // A package may not export its package.json.
    return packageName;
  }
}

/** Tries every engine, for `nas doctor`. */
export async function engineAvailability(): Promise<EngineAvailability[]> {
  const library = await workingNative();
  const works = { available: true, reason: null };
  const tried = listProviders().map(async ({ name }) => [name, await tryProvider(name)] as const);
  return [
    {
      engine: 'native',
      ...('reason' in library
        ? { backend: 'cpu', available: false, version: null, reason: library.reason }
        : { backend: library.isa, version: versionOf('koffi'), ...works }),
    },
    ...(await Promise.all(tried)).map(([backend, reason]) => ({
      engine: 'compiled' as const,
      backend,
      version: versionOf('onnxruntime-node'),
      available: reason === null,
      reason,
    })),
  ];
}
