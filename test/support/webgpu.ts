import { describe, inject } from 'vitest';

/** The reason why WebGPU is unavailable; null if it works. */
const reason = inject('webgpuReason');

/**
 * Tests on the WebGPU execution provider, in files named `*.webgpu.test.ts`, each in its own process. A software adapter
 * suffices. Without an adapter they are skipped, and the title names the package to install.
 */
export function describeOnWebGpu(name: string, body: () => void): void {
  const missing = `${name} (skipped: no WebGPU adapter found; on Debian or Ubuntu: apt install mesa-vulkan-drivers)`;
  describe.skipIf(reason !== null)(reason === null ? name : missing, body);
}

/** Whether to include tests that take minutes on a software adapter: `NAS_WEBGPU_ALL=1`. */
export const runsAllOnWebGpu = process.env['NAS_WEBGPU_ALL'] !== undefined;
