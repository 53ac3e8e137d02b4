import type { TestProject } from 'vitest/node';
import { tryProvider } from '../../compiler/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** The reason why WebGPU is unavailable; null if it works. */
    readonly webgpuReason: string | null;
  }
}

/** Tries WebGPU once and provides the result to all tests. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('webgpuReason', await tryProvider('webgpu'));
}
