import { invalidInput, messageOf } from '../../base/errors.js';
import { describeAdapter, isSoftware } from '../../compiler/index.js';
import type { Environment } from '../../latency-models/index.js';
import { chooseEngine, onOthers, type EngineChoice, type EngineConfig } from '../../trainers/index.js';
import type { QueueConfig } from '../queue/schema.js';
import type { TrainingExperiment } from '../schema/experiment.js';
import type { RunObserver } from './events.js';

/** What a run began on, as its record says; of a run on a table, and of older versions, some of it is not known. */
export type RecordedEnvironment = Readonly<Partial<Environment> & Record<string, unknown>>;

export interface EngineContext {
  /** Of the run that goes on; null for a new one. */
  readonly before: RecordedEnvironment | null;
  readonly acceptEnvironment: boolean;
  readonly observe: RunObserver;
}

/**
 * The engine of a run. Workers of a queue are other machines: nothing is tried here, what is left to choose is the
 * processor, and a graphics card is tried by each worker that trains.
 * @throws as `settleEngine`
 */
export const engineOfRun = async (
  { engine, workers }: Pick<TrainingExperiment, 'engine' | 'workers'>,
  context: EngineContext,
): Promise<EngineChoice> =>
  workers.type === 'queue' ? ofQueue(engine, workers, context.before) : settleEngine(engine, context);

/**
 * The engine of a run on this machine, settled once for all its workers. A run that goes on keeps the provider that it began with, also
 * where the experiment leaves the choice to the machine.
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

function ofQueue(
  { type, backend, provider: wanted, device }: EngineConfig,
  { tag, mixed }: QueueConfig,
  before: RecordedEnvironment | null,
): EngineChoice {
  if (type === 'eager' || backend !== undefined) return { type: 'eager', backend: backend ?? 'cpu' };
  const provider = wanted ?? before?.provider ?? 'cpu';
  // What the experiment says of it was checked with the experiment.
  if (provider !== 'cpu' && (tag === undefined || !mixed))
    throw invalidInput(`the run began on ${provider}, and workers of a queue have it only where they are told to`, {
      hint: 'Set workers.tag, of those with a graphics card, and workers.mixed: true, as two cards give other last bits.',
    });
  return onOthers(provider, device);
}

async function sameEngine(
  config: EngineConfig,
  before: RecordedEnvironment,
  acceptEnvironment: boolean,
): Promise<EngineChoice> {
  if (config.type === 'eager' || config.backend !== undefined) return chooseEngine(config);
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
      hint: 'Go on where the run began; or let what is left be trained on what there is here, with --accept-environment.',
      cause: error,
    });
  }
}
