import type { TestProject } from 'vitest/node';
import { tryProvider } from '../../compiler/index.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Why WebGPU does not work here; null where it does. */
    readonly webgpuReason: string | null;
  }
}

/** Tells the tests that need WebGPU whether it works here, by trying it once for all of them. */
export default async function setup(project: TestProject): Promise<void> {
  project.provide('webgpuReason', await tryProvider('webgpu'));
}
