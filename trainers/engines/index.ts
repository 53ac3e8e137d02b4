import { invalidInput } from '../../base/errors.js';
import type { TrainingEngine } from './engine.js';
import { createEagerEngine, type EagerOptions } from './eager.js';
import { createCompiledEngine, type CompiledOptions } from './compiled.js';
import { activateBackend, type AnyEngine, chooseEngine, targetBeside, type TargetThreads } from './select.js';
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
} from './select.js';
export type { EngineBatch, EngineState, StepMetrics, TrainingEngine, Update } from './engine.js';
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

/**
 * Creates an engine that trains one network. `spec` builds its models on the engine's backend.
 * @throws NasError `invalid-input` when the configured engine does not work here
 */
export const createEngine = (
  config: AnyEngine,
  spec: () => ProgramSpec | Promise<ProgramSpec>,
  options: EngineOptions,
): Promise<TrainingEngine> => {
  const program = async () => createNetworkProgram(await spec());
  const eager = (made: NetworkProgram, settings: EagerOptions): TrainingEngine => {
    if (made.spec.precision !== 'mixed') return createEagerEngine(made, settings);
    made.dispose();
    // A silent float32 training would be reported as mixed precision.
    throw invalidInput('mixed precision needs the compiled engine: TF.js has no float16', {
      hint: 'Set engine: {type: compiled}, or leave train.precision out.',
    });
  };
  return openEngine(config, { program, eager, compiled: createCompiledEngine }, options);
};
