import { getKernel, type KernelFunc, registerKernel, unregisterKernel } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';

/**
 * Runs a task with another kernel of TF.js's cpu backend. Test files share a process: afterwards, TF.js's own kernel is back.
 * @param change the other kernel, from TF.js's own
 */
export function withKernel<T>(kernelName: string, change: (own: KernelFunc) => KernelFunc, task: () => T): T {
  const own = getKernel(kernelName, 'cpu');
  const put = (kernelFunc: KernelFunc): void => {
    unregisterKernel(kernelName, 'cpu');
    registerKernel({ ...own, kernelFunc });
  };
  put(change(own.kernelFunc));
  try {
    return task();
  } finally {
    put(own.kernelFunc);
  }
}
