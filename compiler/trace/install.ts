import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { invalidInput, messageOf, NasError } from '../../base/errors.js';
import { Call } from '../kernels/call.js';
import { kernels } from '../kernels/index.js';
import { TraceBackend, backendName, withoutArray } from './backend.js';

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
        const known = withoutArray(error, backend.context.builder.dynamicBatch);
        const message = `kernel '${kernelName}'${whereabouts(backend, inputs)}: ${messageOf(known)}`;
        if (!(known instanceof NasError)) throw new Error(message, { cause: known });
        throw new NasError(known.code, message, {
          cause: known,
          ...(known.hint !== undefined && { hint: known.hint }),
        });
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
