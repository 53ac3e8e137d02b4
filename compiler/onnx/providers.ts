import type { LoweringName } from '../lowerings.js';
import { cuda } from './cuda.js';
import { caseOf, inTable, type WayOf } from './support.js';
import { webgpu } from './webgpu.js';
import { type Graph, type Node, scopeOf } from '../graph/graph.js';

/** What an ONNX Runtime execution provider can do, as far as the compiler cares. */
export interface ProviderCapabilities {
  /** Has ONNX Runtime's blocked CPU kernels; whether they work on this machine is tested. */
  readonly blockedLayout: boolean;
  /** Lowerings that its own kernels make superfluous. */
  readonly without: readonly LoweringName[];
  /** How it computes operators; null: all by kernels of its own. */
  readonly wayOf: WayOf | null;
  /** Results that a Split may have; null: any number. */
  readonly mostResults: number | null;
  /** Whether its convolutions are right where channels come in threes and not in fours (`padTriples`). */
  readonly readsTriples: boolean;
  /** Whether results can stay in the memory of the device and be given to the next run. */
  readonly deviceTensors: boolean;
  /**
   * Training steps that are best made in one run: more than 1 where each run moves all states between host and device, and
   * the body of a `Loop` runs on the device.
   */
  readonly stepsAtOnce: number;
  /**
   * The most products whose sum it computes well enough in float16. Where it adds up in float16, too, 1 more changes nothing
   * any more from 2048 on.
   */
  readonly longestHalfSum: number;
}

/** Graphics cards and other accelerators have direct depthwise kernels and do not know the blocked layout. */
const accelerator: ProviderCapabilities = {
  blockedLayout: false,
  without: ['depthwise convolutions as matrix products'],
  // They have the inference form of batch normalisation only; what else they lack, they leave to the CPU.
  wayOf: (_, which) => (which === 'training' ? 'batch normalisation' : 'kernel'),
  mostResults: null,
  readsTriples: true,
  deviceTensors: false,
  // Some, such as CoreML, leave what is in a loop to the CPU.
  stepsAtOnce: 1,
  longestHalfSum: 2048,
};

const capabilities: Readonly<Record<string, ProviderCapabilities>> = {
  cpu: {
    blockedLayout: true,
    without: [],
    wayOf: null,
    mostResults: null,
    readsTriples: true,
    deviceTensors: false,
    stepsAtOnce: 1,
    longestHalfSum: Infinity,
  },
  cuda: { ...accelerator, wayOf: inTable(cuda), stepsAtOnce: 8 },
  webgpu: {
    ...accelerator,
    wayOf: inTable(webgpu),
    // WebGPU promises 8 storage buffers to a shader: what is split, and these.
    mostResults: 7,
    readsTriples: false,
    deviceTensors: true,
  },
};

export const capabilitiesOf = (provider: string): ProviderCapabilities => capabilities[provider] ?? accelerator;

/** Nodes that are computed on the host although the provider has kernels for some of them: it would be copied back and forth. */
export function hostNodes(graph: Graph, provider: string): readonly Node[] {
  const { wayOf } = capabilitiesOf(provider);
  if (wayOf === null) return [];
  const scope = scopeOf(graph);
  return graph.nodes.filter(
    (node) =>
      wayOf(
        node.op,
        caseOf(node, (name) => scope.type(name)),
      ) === 'host',
  );
}
