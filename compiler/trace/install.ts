import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { invalidInput, NasError } from '../../base/errors.js';
import { Call } from '../kernels/call.js';
import { kernels } from '../kernels/index.js';
import { TraceBackend, backendName } from './backend.js';

/** Where a kernel was called: the layer that runs, or the layer whose values a gradient works on. */
function whereabouts(backend: TraceBackend, inputs: tf.NamedTensorInfoMap): string {
  const origins = Object.values(inputs).map((info) => (info ? (backend.own(info)?.origin ?? '') : ''));
  const layer = backend.context.builder.origin || origins.find((origin) => origin !== '');
  return layer ? ` (layer '${layer}')` : '';
}

function registerKernels(backend: TraceBackend): void {
  for (const [kernelName, rule] of Object.entries(kernels)) {
    const kernelFunc: tf.KernelFunc = ({ inputs, attrs }) => {
      if (typeof rule !== 'function')
        throw invalidInput(
          `kernel '${kernelName}'${whereabouts(backend, inputs)} cannot be traced: ${rule.unsupported}`,
          { hint: 'Express it with other TF.js operations.' },
        );
      try {
        const result = rule(new Call(kernelName, backend, inputs, attrs ?? {}));
        return 'length' in result ? result.map((value) => backend.tensorInfo(value)) : backend.tensorInfo(result);
      } catch (error) {
        if (error instanceof NasError || !(error instanceof Error)) throw error;
        throw new Error(`kernel '${kernelName}'${whereabouts(backend, inputs)}: ${error.message}`, { cause: error });
      }
    };
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
}

/** The tracing backend, registered with TF.js at the first call. */
export function traceBackend(): TraceBackend {
  const engine = tf.engine();
  const existing = engine.registry[backendName];
  if (existing instanceof TraceBackend) return existing;
  const backend = new TraceBackend();
  // TF.js keeps one global registry of backends and kernels; ours has priority 0, so that it is never a default.
  engine.registerBackend(backendName, () => backend, 0);
  engine.findBackend(backendName);
  registerKernels(backend);
  return backend;
}

/** The backend that holds the variables: the active one, or the cpu backend when none is. */
export function homeBackend(): { readonly name: string; readonly backend: tf.KernelBackend } {
  const engine = tf.engine();
  // The cpu backend's advice to install a native TF.js does not apply: it only stores variables here.
  if (!engine.backendName) {
    tf.enableProdMode();
    void tf.setBackend('cpu');
  }
  return { name: engine.backendName, backend: engine.backend };
}
