import * as tf from '@tensorflow/tfjs-core';
import { invalidInput, NasError } from '../../base/errors.js';
import { requireWorking } from '../../compiler/index.js';
import type { EngineConfig } from '../schema.js';
import { loadCpuBackend, loadNativeBackend } from './availability.js';

/** An engine that works here: the configuration with `auto` resolved. */
export type EngineChoice =
  | { readonly type: 'compiled'; readonly provider: string }
  | { readonly type: 'eager'; readonly backend: 'tensorflow' | 'cpu' };

const hint = '`nas doctor` shows what works here and how to get more.';

async function compiled(provider: string): Promise<EngineChoice> {
  await requireWorking(provider);
  return { type: 'compiled', provider };
}

async function eager(backend: EngineConfig['backend']): Promise<EngineChoice> {
  if (backend === 'cpu') return { type: 'eager', backend };
  const native = await loadNativeBackend();
  if (!('reason' in native)) return { type: 'eager', backend: 'tensorflow' };
  if (backend === undefined) return { type: 'eager', backend: 'cpu' };
  throw invalidInput(`engine.backend is ${backend}, which does not load: ${native.reason}`, { hint });
}

/**
 * Tries the engine that the configuration asks for; with `auto` the eager one when a backend is named, else the
 * compiled one.
 *
 * @throws NasError `invalid-input` when the engine that is asked for does not work here
 */
export async function chooseEngine({ type, provider, backend }: EngineConfig): Promise<EngineChoice> {
  const resolved = type === 'auto' ? (backend === undefined ? 'compiled' : 'eager') : type;
  return resolved === 'compiled' ? compiled(provider) : eager(backend);
}

/** Makes the TF.js backend on which models are built for this engine the current one. */
export async function activateBackend(choice: EngineChoice): Promise<void> {
  const backend = choice.type === 'eager' ? choice.backend : 'cpu';
  if (backend === 'cpu') await loadCpuBackend();
  if (!(await tf.setBackend(backend))) throw new NasError('failure', `the TF.js backend ${backend} does not start`);
}
