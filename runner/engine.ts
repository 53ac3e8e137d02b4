import { invalidInput, messageOf } from '../base/errors.js';
import { describeAdapter, isSoftware } from '../compiler/index.js';
import type { Environment } from '../latency-models/index.js';
import { instructionSets, nativeLibrary } from '../compiler/native/index.js';
import { chooseEngine, onOthers, onProcessor, type EngineChoice, type EngineConfig } from '../trainers/index.js';
import type { QueueConfig } from '../experiments/schema/workers.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import type { RunObserver } from './events.js';

/** The environment in which a run began, as stored; runs on a table, and of older versions, lack some of it. */
export type RecordedEnvironment = Readonly<
  Partial<Environment> & {
    /** Instruction set of the native engine. `best`: each machine takes its own best one. Absent: the run has another engine. */
    readonly native?: string;
  } & Record<string, unknown>
>;

export interface EngineContext {
  /** Of the run that is resumed; null for a new one. */
  readonly before: RecordedEnvironment | null;
  readonly acceptEnvironment: boolean;
  readonly observe: RunObserver;
}

/**
 * The engine of a run. With a queue, other machines train: the processor is the default, a graphics card is not tried
 * here but by each worker.
 * @throws as `settleEngine`
 */
export const engineOfRun = async (
  { engine, workers }: Pick<TrainingExperiment, 'engine' | 'workers'>,
  context: EngineContext,
): Promise<EngineChoice> =>
  workers.type === 'queue' ? queueEngine(engine, workers, context.before) : settleEngine(engine, context);

/**
 * The engine of a run on this machine, one for all its workers. A resumed run keeps its provider, also where the
 * experiment leaves the choice to the machine.
 * @throws NasError `invalid-input` when the engine does not work here, or the run began on a graphics card that is not here
 */
export async function settleEngine(config: EngineConfig, context: EngineContext): Promise<EngineChoice> {
  const { before, acceptEnvironment, observe } = context;
  const engine = before === null ? await chooseEngine(config) : await sameEngine(config, before, acceptEnvironment);
  if (engine.type === 'compiled' && engine.adapter?.kind === 'software')
    observe({
      kind: 'warning',
      message: `training runs on ${describeAdapter(engine.adapter)}; engine: {provider: cpu} is faster on this machine`,
    });
  return engine;
}

function queueEngine(
  { type, backend, provider: wanted, device }: EngineConfig,
  { tag, mixed }: QueueConfig,
  before: RecordedEnvironment | null,
): EngineChoice {
  if (type === 'eager' || backend !== undefined) return { type: 'eager', backend: backend ?? 'cpu' };
  // Every machine has its own instruction set, and the machines of a group have the same.
  if (type === 'native' || (type === 'auto' && wanted === undefined && before?.native !== undefined))
    return { type: 'native', isa: null };
  const provider = wanted ?? before?.provider ?? 'cpu';
  // Without a stored provider, the experiment's schema has checked this.
  if (provider !== 'cpu' && (tag === undefined || !mixed))
    throw invalidInput(`the run began on ${provider}, which a queue needs workers.tag and workers.mixed for`, {
      hint: 'Set workers.tag to the tag of workers with a graphics card, and workers.mixed: true, as two cards give other last bits.',
    });
  return onOthers(provider, device);
}

/** The native engine with the instruction set with which a run began. */
function sameNative(begun: string, acceptEnvironment: boolean): EngineChoice {
  const isa = instructionSets.find((name) => name === begun);
  const library = nativeLibrary(isa);
  if (!('reason' in library)) return { type: 'native', isa: library.isa };
  if (acceptEnvironment) return onProcessor;
  throw invalidInput(`the run began on the native engine (${begun}), which is not here: ${library.reason}`, {
    hint: 'Resume where the run began; or train the rest by the compiled engine, with --accept-environment.',
  });
}

async function sameEngine(
  config: EngineConfig,
  before: RecordedEnvironment,
  acceptEnvironment: boolean,
): Promise<EngineChoice> {
  if (config.type === 'eager' || config.backend !== undefined) return chooseEngine(config);
  const isOpen = config.type === 'native' || (config.type === 'auto' && config.provider === undefined);
  if (before.native !== undefined && isOpen) return sameNative(before.native, acceptEnvironment);
  const provider = config.provider ?? before.provider;
  try {
    const engine = await chooseEngine({ ...config, ...(provider !== undefined && { provider }) });
    const now = engine.type === 'compiled' ? engine.adapter : null;
    const isLost = now?.kind === 'software' && before.adapter !== undefined && !isSoftware(before.adapter);
    if (isLost) throw invalidInput(`there is only ${describeAdapter(now)}`);
    return engine;
  } catch (error) {
    if (provider === undefined || provider === 'cpu') throw error;
    if (acceptEnvironment) return chooseEngine({ type: 'compiled' });
    const where = before.adapter === undefined ? provider : `${provider} (${before.adapter})`;
    throw invalidInput(`the run began on ${where}, which is not here: ${messageOf(error)}`, {
      hint: 'Resume where the run began; or train the rest on what this machine has, with --accept-environment.',
      cause: error,
    });
  }
}
