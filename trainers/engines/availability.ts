import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../../base/errors.js';
import { listProviders, tryProvider } from '../../compiler/index.js';

/** Whether one way of training works here. */
export interface EngineAvailability {
  readonly engine: 'compiled' | 'eager';
  /** ONNX Runtime execution provider (`engine.provider`), or TF.js backend (`engine.backend`). */
  readonly backend: string;
  readonly available: boolean;
  /** Package and version, e.g. `onnxruntime-node 1.30.0`; null when it does not load. */
  readonly version: string | null;
  /** Why it does not load; null when it does. */
  readonly reason: string | null;
}

const require = createRequire(import.meta.url);

function versionOf(packageName: string): string {
  try {
    const { version } = require(`${packageName}/package.json`) as { version: string };
    return `${packageName} ${version}`;
  } catch {
    // A package may keep its package.json to itself.
    return packageName;
  }
}

/** Native TF.js packages, best first; each registers the backend `tensorflow`. */
const nativePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

/** A package that registers a TF.js backend, or why there is none. */
export type BackendPackage = { readonly version: string } | { readonly reason: string };

/** Loads the native TF.js backend, `tensorflow`. */
export async function loadNativeBackend(): Promise<BackendPackage> {
  const reasons: string[] = [];
  for (const name of nativePackages) {
    try {
      await import(name);
      if ('tensorflow' in tf.engine().registryFactory) return { version: versionOf(name) };
      reasons.push(`${name}: it uses another copy of @tensorflow/tfjs-core than this program`);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error).split('\n', 1).join('')}`);
    }
  }
  return { reason: reasons.join('; ') };
}

/** Loads the `cpu` reference backend. */
export async function loadCpuBackend(): Promise<string> {
  // Otherwise its first use prints an advertisement for tfjs-node; nothing else depends on this flag.
  tf.enableProdMode();
  await import('@tensorflow/tfjs-backend-cpu');
  return versionOf('@tensorflow/tfjs-backend-cpu');
}

/** What trains here, for `nas doctor`: every engine is tried; its version, or why it does not work. */
export async function engineAvailability(): Promise<EngineAvailability[]> {
  const native = await loadNativeBackend();
  const works = { available: true, reason: null };
  const tried = listProviders().map(async ({ name }) => [name, await tryProvider(name)] as const);
  return [
    ...(await Promise.all(tried)).map(([backend, reason]) => ({
      engine: 'compiled' as const,
      backend,
      version: versionOf('onnxruntime-node'),
      available: reason === null,
      reason,
    })),
    {
      engine: 'eager',
      backend: 'tensorflow',
      ...('reason' in native ? { available: false, version: null, ...native } : { ...native, ...works }),
    },
    { engine: 'eager', backend: 'cpu', version: await loadCpuBackend(), ...works },
  ];
}
