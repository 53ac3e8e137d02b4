import { countsOf } from '../../../base/group.js';
import type { Profile, Program } from '../../../compiler/index.js';
import type { Feed } from '../../../compiler/runtime/programs/tensors.js';

/** Where the nodes of a program ran, and how often values were copied between the device and ordinary memory. */
export interface Placement {
  /** How many nodes each provider ran, copies not counted, by the provider's name. */
  readonly nodes: Readonly<Record<string, number>>;
  /** Copies to the device, except of the program's inputs. */
  readonly uploads: number;
  /** Copies from the device, except of the program's results. */
  readonly downloads: number;
  /** The nodes that the CPU ran, by operator and value. */
  readonly onCpu: readonly string[];
}

/** Counts the nodes of each provider; ONNX Runtime's own copies are nodes `MemcpyFromHost` and `MemcpyToHost`. */
export function placementIn({ nodes }: Profile): Placement {
  const copies = (operator: string): number => nodes.filter((node) => node.operator === operator).length;
  const computing = nodes.filter(({ operator }) => !operator.startsWith('Memcpy'));
  return {
    nodes: Object.fromEntries(countsOf(computing.map(({ provider }) => provider))),
    uploads: copies('MemcpyFromHost'),
    downloads: copies('MemcpyToHost'),
    onCpu: computing.filter(({ provider }) => provider === 'cpu').map(({ operator, name }) => `${operator} ${name}`),
  };
}

/** Where a program's nodes run: it runs once, with ONNX Runtime's profiler, and its states stay as they are. */
export const placementOf = async (program: Program, feeds: Readonly<Record<string, Feed>>): Promise<Placement> =>
  placementIn(await program.profile(feeds, 1, 0));
