import { describe, inject } from 'vitest';

/** Why WebGPU does not work here; null where it does. */
const reason = inject('webgpuReason');

/**
 * Tests that run on the WebGPU execution provider, in files named `*.webgpu.test.ts`: each has a process of its own. A
 * software adapter will do. Without any they are skipped, and say what to install.
 */
export function describeOnWebGpu(name: string, body: () => void): void {
  const missing = `${name} (skipped: there is no WebGPU adapter here; on Debian or Ubuntu: apt install mesa-vulkan-drivers)`;
  describe.skipIf(reason !== null)(reason === null ? name : missing, body);
}

/** Whether what takes minutes on a software adapter is run, too: `NAS_WEBGPU_ALL=1`. */
export const runsAllOnWebGpu = process.env['NAS_WEBGPU_ALL'] !== undefined;
