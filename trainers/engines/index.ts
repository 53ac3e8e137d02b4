import { DeviceFailure } from '../../base/errors.js';
import { nativeLibrary } from '../../compiler/native/index.js';
import type { EngineKind, TrainingEngine } from './engine.js';
import { createCompiledEngine, type CompiledOptions } from './compiled.js';
import { createNativeEngine, planNative } from './native/engine.js';
import type { NativeOptions, Unsupported } from './native/training.js';
import {
  activateBackend,
  type AnyEngine,
  chooseEngine,
  type CompiledChoice,
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
  nativeForAuto,
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
export type { FileNetwork } from './trainable.js';

export interface EngineOptions extends TargetThreads {
  /** Images in each training batch. */
  readonly batch: number;
}

/** What is trained, as a specification, a program made of it, and the constructors of the engines. */
export interface EngineParts<S, P> {
  /** Makes the specification on the engine's backend, which is active. */
  spec(): S | Promise<S>;
  /** The native engine, or why it does not train this. */
  native(spec: S, options: NativeOptions): Promise<TrainingEngine> | Unsupported;
  program(spec: S): P;
  compiled(program: P, options: CompiledOptions): Promise<TrainingEngine>;
}

export interface BegunOptions extends EngineOptions {
  /** The kind of engine that began the training: it goes on with it where it works. Absent: it begins now. */
  readonly begun?: EngineKind | undefined;
}

/**
 * Creates an engine of the configured kind.
 * @throws NasError `invalid-input` when the configured engine does not work here
 */
export async function openEngine<S, P extends { dispose(): void }>(
  config: AnyEngine,
  parts: EngineParts<S, P>,
  { begun, ...options }: BegunOptions,
): Promise<TrainingEngine> {
  const choice = await chooseEngine(config);
  await activateBackend();
  const spec = await parts.spec();
  if (choice.type !== 'native') return withReason(await openProgram(choice, spec, parts, options), begun);
  const made = begun === undefined || begun === 'native' ? parts.native(spec, nativeOptions(choice, options)) : null;
  if (made !== null && !('unsupported' in made)) return made;
  const engine = await openProgram(onProcessor, spec, parts, options);
  return made === null ? engine : { ...engine, instead: made.unsupported };
}

/** @throws DeviceFailure where the library does not load, as it did where it was chosen */
function nativeOptions({ isa }: NativeChoice, { batch, threads }: EngineOptions): NativeOptions {
  const library = nativeLibrary(isa ?? undefined);
  if ('reason' in library) throw new DeviceFailure('lost', `the native engine does not work here: ${library.reason}`);
  return { library, batch, threads };
}

/** An engine for a training that may have begun on a native one. */
const withReason = (engine: TrainingEngine, begun: EngineKind | undefined): TrainingEngine =>
  begun === 'native' ? { ...engine, instead: 'the native engine, on which it began, is not chosen here' } : engine;

/** An engine that runs the program of a specification. */
async function openProgram<S, P extends { dispose(): void }>(
  choice: CompiledChoice,
  spec: S,
  parts: Pick<EngineParts<S, P>, 'program' | 'compiled'>,
  { batch, ...threads }: EngineOptions,
): Promise<TrainingEngine> {
  const program = parts.program(spec);
  try {
    return await parts.compiled(program, { target: await targetBeside(choice, threads), batch });
  } catch (error) {
    program.dispose();
    throw error;
  }
}

/** The engines of one network. */
const networkEngines: Omit<EngineParts<ProgramSpec, NetworkProgram>, 'spec'> = {
  native(spec, options) {
    const plan = planNative(spec, options.batch);
    return 'unsupported' in plan ? plan : createNativeEngine(plan, options);
  },
  program: createNetworkProgram,
  compiled: createCompiledEngine,
};

/**
 * Creates an engine that trains one network. `spec` builds its models on the engine's backend.
 * @throws NasError `invalid-input` when the configured engine does not work here
 */
export const createEngine = (
  config: AnyEngine,
  spec: () => ProgramSpec | Promise<ProgramSpec>,
  options: BegunOptions,
): Promise<TrainingEngine> => openEngine(config, { spec, ...networkEngines }, options);
