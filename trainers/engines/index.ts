import { DeviceFailure, invalidInput } from '../../base/errors.js';
import { nativeLibrary } from '../../compiler/native/index.js';
import type { EngineKind, TrainingEngine } from './engine.js';
import { createEagerEngine, type EagerOptions } from './eager.js';
import { createCompiledEngine, type CompiledOptions } from './compiled.js';
import { createNativeEngine, planNative, type Unsupported } from './native/engine.js';
import {
  activateBackend,
  type AnyEngine,
  chooseEngine,
  type EngineChoice,
  type NativeChoice,
  onProcessor,
  targetBeside,
  type TargetThreads,
} from './select.js';
import { createNetworkProgram, type ProgramSpec, type NetworkProgram } from './network-program.js';

export {
  activateBackend,
  chooseEngine,
  engineAvailability,
  onOthers,
  onProcessor,
  placeOf,
  type AnyEngine,
  targetBeside,
  type CompiledChoice,
  type EngineAvailability,
  type EngineChoice,
  type NativeChoice,
} from './select.js';
export type { EngineBatch, EngineKind, EngineState, StepMetrics, TrainingEngine, Update } from './engine.js';
export type { ProgramSpec } from './network-program.js';

export interface EngineOptions extends TargetThreads {
  /** Images in each training batch. */
  readonly batch: number;
}

/** A program and the constructors of its engines. */
export interface EngineParts<P> {
  /** Makes the program on the engine's backend, which is active. */
  program(): P | Promise<P>;
  eager(program: P, options: EagerOptions): TrainingEngine;
  compiled(program: P, options: CompiledOptions): Promise<TrainingEngine>;
}

/**
 * Creates an engine of the configured kind.
 * @throws NasError `invalid-input` when the configured engine does not work here
 */
export async function openEngine<P extends { dispose(): void }>(
  config: AnyEngine,
  parts: EngineParts<P>,
  { batch, ...threads }: EngineOptions,
): Promise<TrainingEngine> {
  const choice = await chooseEngine(config);
  await activateBackend(choice);
  const program = await parts.program();
  if (choice.type === 'eager') return parts.eager(program, { backend: choice.backend, batch });
  try {
    return await parts.compiled(program, { target: await targetBeside(choice, threads), batch });
  } catch (error) {
    program.dispose();
    throw error;
  }
}

/** The engine on the native library. @throws DeviceFailure where the library does not load, as it did where it was chosen */
async function openNative(
  { isa }: NativeChoice,
  spec: ProgramSpec,
  { batch, threads }: EngineOptions,
): Promise<TrainingEngine | Unsupported> {
  const library = nativeLibrary(isa ?? undefined);
  if ('reason' in library) throw new DeviceFailure('lost', `the native engine does not work here: ${library.reason}`);
  const plan = planNative(spec, batch);
  return 'unsupported' in plan ? plan : createNativeEngine(plan, { library, batch, threads });
}

export interface NetworkEngineOptions extends EngineOptions {
  /** The kind of engine that began the training: it goes on with it where it works. Absent: it begins now. */
  readonly begun?: EngineKind | undefined;
}

/**
 * Creates an engine that trains one network. `spec` builds its models on the engine's backend.
 * @throws NasError `invalid-input` when the configured engine does not work here
 */
export async function createEngine(
  config: AnyEngine,
  spec: () => ProgramSpec | Promise<ProgramSpec>,
  { begun, ...options }: NetworkEngineOptions,
): Promise<TrainingEngine> {
  const choice = await chooseEngine(config);
  if (choice.type !== 'native') return withReason(await openProgram(choice, spec, options), begun);
  await activateBackend(choice);
  const own = await spec();
  const made = await (begun === undefined || begun === 'native' ? openNative(choice, own, options) : null);
  if (made !== null && !('unsupported' in made)) return made;
  const engine = await openProgram(onProcessor, () => own, options);
  return made === null ? engine : { ...engine, instead: made.unsupported };
}

/** An engine for a training that may have begun on a native one. */
const withReason = (engine: TrainingEngine, begun: EngineKind | undefined): TrainingEngine =>
  begun === 'native' ? { ...engine, instead: 'the native engine, on which it began, is not chosen here' } : engine;

function openProgram(
  choice: EngineChoice,
  spec: () => ProgramSpec | Promise<ProgramSpec>,
  options: EngineOptions,
): Promise<TrainingEngine> {
  const program = async () => createNetworkProgram(await spec());
  const eager = (made: NetworkProgram, settings: EagerOptions): TrainingEngine => {
    if (made.spec.precision !== 'mixed') return createEagerEngine(made, settings);
    made.dispose();
    // A silent float32 training would be reported as mixed precision.
    throw invalidInput('mixed precision needs the compiled engine: TF.js has no float16', {
      hint: 'Set engine: {type: compiled}, or leave train.precision out.',
    });
  };
  return openEngine(choice, { program, eager, compiled: createCompiledEngine }, options);
}
