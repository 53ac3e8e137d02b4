import { resolveTarget } from '../../compiler/index.js';
import type { EngineConfig } from '../schema.js';
import type { TrainingEngine } from './engine.js';
import { createEagerEngine } from './eager.js';
import { createCompiledEngine } from './compiled.js';
import { activateBackend, chooseEngine } from './select.js';
import { createTrainingProgram, type ProgramSpec } from './training-program.js';

export { engineAvailability, type EngineAvailability } from './availability.js';
export { activateBackend, chooseEngine, type EngineChoice } from './select.js';
export type { EngineBatch, EngineState, StepMetrics, TrainingEngine } from './engine.js';
export { modelInference, networkInference } from './inference.js';
export type { ProgramSpec } from './training-program.js';

export interface EngineOptions {
  readonly threads: number;
  /** Whether others compute on the same cores: threads that wait then sleep; default false. */
  readonly sharedCores?: boolean | undefined;
  /** Images in each training batch. */
  readonly batch: number;
}

/**
 * An engine that trains one network. The program's models are built by `spec` on the backend that the engine needs.
 * @throws NasError `invalid-input` when the engine that is asked for does not work here
 */
export async function createEngine(
  config: EngineConfig,
  spec: () => ProgramSpec | Promise<ProgramSpec>,
  { threads, sharedCores = false, batch }: EngineOptions,
): Promise<TrainingEngine> {
  const choice = await chooseEngine(config);
  await activateBackend(choice);
  const program = createTrainingProgram(await spec());
  if (choice.type === 'eager') return createEagerEngine(program, { backend: choice.backend, batch });
  try {
    const target = await resolveTarget({ provider: choice.provider, threads, spinning: !sharedCores });
    return await createCompiledEngine(program, { target, batch });
  } catch (error) {
    program.dispose();
    throw error;
  }
}
