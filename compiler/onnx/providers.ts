import type { Target, TargetOptions } from '../target.js';
import { cuda } from './cuda.js';
import { caseOf, inTable, type ImplementationOf } from './support.js';
import { webgpu } from './webgpu.js';
import { type Graph, type Node, scopeOf } from '../graph/graph.js';

/** Properties of an ONNX Runtime execution provider that the compiler depends on. */
export interface ProviderCapabilities {
  /** Has ONNX Runtime's blocked CPU kernels; a self-test decides whether they are used. */
  readonly blockedLayout: boolean;
  /** As `Target.matrices`. */
  readonly matrices: boolean;
  /** How it computes each operator; null: all by kernels of its own. */
  readonly implementationOf: ImplementationOf | null;
  /** Most results of a Split; null: any number. */
  readonly mostResults: number | null;
  /** Whether its convolutions are correct for channels in multiples of three but not of four (`padTriples`). */
  readonly readsTriples: boolean;
  /** Whether results can stay in device memory as inputs of the next run. */
  readonly deviceTensors: boolean;
  /**
   * Training steps to compute in one run: more than 1 where each run moves all states between host and device, and
   * the body of a `Loop` runs on the device.
   */
  readonly stepsAtOnce: number;
}

/** Graphics cards and other accelerators have direct depthwise kernels and do not know the blocked layout. */
const accelerator: ProviderCapabilities = {
  blockedLayout: false,
  matrices: false,
  // They have the inference form of batch normalisation only, and leave other missing operators to the CPU.
  implementationOf: (_, which) => (which === 'training' ? 'batch normalisation' : 'kernel'),
  mostResults: null,
  readsTriples: true,
  deviceTensors: false,
  // Some, such as CoreML, run the body of a loop on the CPU.
  stepsAtOnce: 1,
};

const capabilities: Readonly<Record<string, ProviderCapabilities>> = {
  cpu: {
    blockedLayout: true,
    matrices: true,
    implementationOf: null,
    mostResults: null,
    readsTriples: true,
    deviceTensors: false,
    stepsAtOnce: 1,
  },
  cuda: { ...accelerator, implementationOf: inTable(cuda), stepsAtOnce: 8 },
  webgpu: {
    ...accelerator,
    implementationOf: inTable(webgpu),
    // WebGPU guarantees 8 storage buffers for a shader: the input of a Split, and its results.
    mostResults: 7,
    readsTriples: false,
    deviceTensors: true,
  },
};

export const capabilitiesOf = (provider: string): ProviderCapabilities => capabilities[provider] ?? accelerator;

/** @param block channels in a block; null: no blocked layout */
export function targetWith(block: number | null, options: TargetOptions = {}): Target {
  const { provider = 'cpu', device = null, threads = 1, spinning = true } = options;
  const known = capabilitiesOf(provider);
  const { stepsAtOnce = known.stepsAtOnce } = options;
  return Object.freeze({ provider, device, threads, spinning, block, stepsAtOnce, matrices: known.matrices });
}

/** Nodes to compute on the host, also where the provider has kernels for some of them: data would be copied back and forth. */
export function hostNodes(graph: Graph, provider: string): readonly Node[] {
  const { implementationOf } = capabilitiesOf(provider);
  if (implementationOf === null) return [];
  const scope = scopeOf(graph);
  return graph.nodes.filter(
    (node) =>
      implementationOf(
        node.op,
        caseOf(node, (name) => scope.type(name)),
      ) === 'host',
  );
}
