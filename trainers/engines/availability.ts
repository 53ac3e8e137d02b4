import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { messageOf } from '../../base/errors.js';

/** Whether one way of training works here. */
export interface EngineAvailability {
  readonly engine: 'compiled' | 'eager';
  /** ONNX Runtime execution providers, or the TF.js backend. */
  readonly backends: readonly string[];
  readonly available: boolean;
  /** Package and version, e.g. `onnxruntime-node 1.30.0`; null when it does not load. */
  readonly version: string | null;
  /** Why it is not available, and how to get it. */
  readonly reason: string | null;
}

const require = createRequire(import.meta.url);

function versionOf(packageName: string): string {
  try {
    const { version } = require(`${packageName}/package.json`) as { version: string };
    return `${packageName} ${version}`;
  } catch {
    return packageName;
  }
}

/** Native TF.js packages, best first; each registers the backend `tensorflow`. */
const nativePackages = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const;

interface Loaded {
  readonly version: string;
  readonly backend: string;
}

/** Loads the native TF.js backend; the reasons why each package does not load when none does. */
export async function loadNativeBackend(): Promise<Loaded | { readonly reason: string }> {
  const reasons: string[] = [];
  for (const name of nativePackages) {
    try {
      await import(name);
      if (tf.findBackendFactory('tensorflow') !== null) return { version: versionOf(name), backend: 'tensorflow' };
      reasons.push(`${name}: it uses another copy of @tensorflow/tfjs-core than this program`);
    } catch (error) {
      reasons.push(`${name}: ${(messageOf(error).split('\n')[0] ?? '').trim()}`);
    }
  }
  return { reason: reasons.join('; ') };
}

/** Loads the `cpu` reference backend. */
export async function loadCpuBackend(): Promise<Loaded> {
  // Otherwise its first use prints an advertisement for tfjs-node; nothing else depends on this flag.
  tf.enableProdMode();
  await import('@tensorflow/tfjs-backend-cpu');
  return { version: versionOf('@tensorflow/tfjs-backend-cpu'), backend: 'cpu' };
}

/** Loads ONNX Runtime and lists its execution providers. */
export async function loadOnnxRuntime(): Promise<{ version: string; providers: string[] } | { reason: string }> {
  try {
    const { listSupportedBackends } = await import('onnxruntime-node');
    return { version: versionOf('onnxruntime-node'), providers: listSupportedBackends().map(({ name }) => name) };
  } catch (error) {
    return { reason: messageOf(error) };
  }
}

/** What trains here, for `nas doctor`: every engine with its version, or why it does not work. */
export async function engineAvailability(): Promise<EngineAvailability[]> {
  const runtime = await loadOnnxRuntime();
  const native = await loadNativeBackend();
  const cpu = await loadCpuBackend();
  return [
    'reason' in runtime
      ? { engine: 'compiled', backends: [], available: false, version: null, reason: runtime.reason }
      : { engine: 'compiled', backends: runtime.providers, available: true, version: runtime.version, reason: null },
    'reason' in native
      ? { engine: 'eager', backends: ['tensorflow'], available: false, version: null, reason: native.reason }
      : { engine: 'eager', backends: [native.backend], available: true, version: native.version, reason: null },
    { engine: 'eager', backends: [cpu.backend], available: true, version: cpu.version, reason: null },
  ];
}
