import { resolveTarget, type Target } from '../../compiler/index.js';
import { placeOf, type EngineChoice } from './select.js';

export interface TargetThreads {
  readonly threads: number;
  /** Whether others compute on the same cores: threads that wait then sleep; default false. */
  readonly sharedCores?: boolean | undefined;
}

/**
 * Where programs run beside an engine that are compiled whatever it is: where the compiled engine's do, on the processor
 * beside the eager one.
 */
export const targetBeside = (engine: EngineChoice, { threads, sharedCores = false }: TargetThreads): Promise<Target> =>
  resolveTarget({
    ...placeOf(engine),
    threads,
    spinning: !sharedCores,
  });
