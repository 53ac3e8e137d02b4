import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, NasError } from '../../base/errors.js';
import type { EngineConfig } from '../schema.js';
import { loadCpuBackend, loadNativeBackend, loadOnnxRuntime } from './availability.js';

/** An engine that works here: the configuration with `auto` resolved. */
export type EngineChoice =
  | { readonly type: 'compiled'; readonly provider: string }
  | { readonly type: 'eager'; readonly backend: 'tensorflow' | 'cpu' };

async function compiled(provider: string): Promise<EngineChoice | string> {
  const runtime = await loadOnnxRuntime();
  if ('reason' in runtime) return `onnxruntime-node does not load: ${runtime.reason}`;
  if (runtime.providers.includes(provider)) return { type: 'compiled', provider };
  return `engine.provider is ${provider}, but ${runtime.version} has ${runtime.providers.join(', ')}`;
}

async function eager(backend: 'tensorflow' | 'cpu' | undefined): Promise<EngineChoice | string> {
  if (backend !== 'cpu') {
    const native = await loadNativeBackend();
    if (!('reason' in native)) return { type: 'eager', backend: 'tensorflow' };
    if (backend === 'tensorflow') return native.reason;
  }
  await loadCpuBackend();
  return { type: 'eager', backend: 'cpu' };
}

const hint = '`nas doctor` shows what works here and how to get more.';

/**
 * Loads the engine that the configuration asks for; with `auto` the compiled one, unless only eager works here.
 * @throws NasError `invalid-input` when the engine that is asked for does not work here
 */
export async function chooseEngine(config: EngineConfig): Promise<EngineChoice> {
  const first = config.type === 'eager' ? await eager(config.backend) : await compiled(config.provider);
  if (typeof first !== 'string') return first;
  if (config.type !== 'auto' || config.provider !== 'cpu') throw invalidInput(`engine: ${first}`, { hint });
  const second = await eager(config.backend);
  if (typeof second === 'string') throw invalidInput(`engine: ${first}; ${second}`, { hint });
  return second;
}

/** The TF.js backend on which the variables of an engine live. */
export const variablesBackend = (choice: EngineChoice): 'tensorflow' | 'cpu' =>
  choice.type === 'eager' ? choice.backend : 'cpu';

/** Makes the backend on which models are built for this engine the current one. */
export async function activateBackend(choice: EngineChoice): Promise<void> {
  const backend = variablesBackend(choice);
  if (backend === 'cpu') await loadCpuBackend();
  if (!(await tf.setBackend(backend))) throw new NasError('failure', `the TF.js backend ${backend} does not start`);
}
