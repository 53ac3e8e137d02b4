import { invalidInput, messageOf } from '../base/errors.js';
import { describeAdapter, isSoftware } from '../compiler/index.js';
import type { Environment } from '../latency-models/index.js';
import { instructionSets } from '../compiler/native/index.js';
import {
  chooseEngine,
  nativeForAuto,
  onOthers,
  onProcessor,
  workingNative,
  type EngineChoice,
  type EngineConfig,
} from '../trainers/index.js';
import type { QueueConfig } from '../experiments/schema/workers.js';
import type { TrainingExperiment } from '../experiments/schema/experiment.js';
import type { RunObserver } from './events.js';

/** The environment in which a run began, as stored; runs on a table lack some of it. */
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
 * The engine of a run. With a queue, other machines train: the processor is the default, and each worker tries the native
 * engine or a graphics card, not this machine.
 * @throws as `settleEngine`
 */
export const engineOfRun = async (
  { engine, workers }: Pick<TrainingExperiment, 'engine' | 'workers'>,
  context: EngineContext,
): Promise<EngineChoice> =>
  workers.type === 'queue' ? queueEngine(engine, workers, context) : settleEngine(engine, context);

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
  if (before === null && isOpen(config) && engine === onProcessor) await sayWithoutNative(observe);
  return engine;
}

/** Whether this machine chooses the engine. */
const isOpen = ({ type, provider }: EngineConfig): boolean => type === 'auto' && provider === undefined;

async function sayWithoutNative(observe: RunObserver): Promise<void> {
  const library = await nativeForAuto();
  if ('reason' in library)
    observe({ kind: 'note', message: `The compiled engine trains, and not the native one: ${library.reason}` });
}

/** The native engine of a run with a queue; null: it has another one. */
function queueNative(config: EngineConfig, { before, acceptEnvironment }: EngineContext): EngineChoice | null {
  if (config.type !== 'native' && !isOpen(config)) return null;
  // A run that began on one machine goes on with its instruction set, or its trainings fail.
  const begun = instructionSets.find((isa) => isa === before?.native);
  if (begun !== undefined && !acceptEnvironment) return { type: 'native', isa: begun };
  // Machines of one group have the same library and instruction set.
  if (config.type === 'native') return { type: 'native', isa: null };
  return before === null || before.native !== undefined ? { type: 'native', isa: null, orCompiled: true } : null;
}

function queueEngine(config: EngineConfig, { tag, mixed }: QueueConfig, context: EngineContext): EngineChoice {
  const { provider: wanted, device } = config;
  const { before } = context;
  const native = queueNative(config, context);
  if (native !== null) return native;
  const provider = wanted ?? before?.provider ?? 'cpu';
  // Without a stored provider, the experiment's schema has checked this.
  if (provider !== 'cpu' && (tag === undefined || !mixed))
    throw invalidInput(`the run began on ${provider}, which a queue needs workers.tag and workers.mixed for`, {
      hint: 'Set workers.tag to the tag of workers with a graphics card, and workers.mixed: true, as two cards give other last bits.',
    });
  return onOthers(provider, device);
}

/** The native engine with the instruction set with which a run began. */
async function sameNative(begun: string, acceptEnvironment: boolean): Promise<EngineChoice> {
  const isa = instructionSets.find((name) => name === begun);
  const library = await workingNative(isa);
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
  if (before.native !== undefined && (config.type === 'native' || isOpen(config)))
    return sameNative(before.native, acceptEnvironment);
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
