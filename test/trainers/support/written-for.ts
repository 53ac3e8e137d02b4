import { targetWith, trace, verifyGraph, type InputSpec, type Traced } from '../../../compiler/index.js';
import { loopPorts, optimized } from '../../../compiler/compile.js';
import { encodeLoop } from '../../../compiler/onnx/loop.js';
import type { StatePack } from '../../../compiler/passes/pack-states.js';
import { CompiledTraining } from '../../../trainers/engines/compiled.js';
import {
  createNetworkProgram,
  type ProgramSpec,
  type NetworkProgram,
} from '../../../trainers/engines/network-program.js';

/** A training step as compiled for a provider, which need not work here. */
export interface Written {
  readonly program: NetworkProgram;
  readonly traced: Traced;
  readonly packs: readonly StatePack[];
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** The loop over steps, as a file. */
  readonly bytes: Uint8Array;
}

/** The program lives on the active TF.js backend and belongs to the caller. */
export function writtenFor(provider: string, spec: ProgramSpec, batch: number): Written {
  const program = createNetworkProgram(spec);
  const target = targetWith(null, { provider });
  const { fn, inputs } = new CompiledTraining(program, { target, batch }).step();
  const recorded = trace(fn, inputs, { target });
  const { graph, packs } = optimized(recorded, target);
  verifyGraph(graph);
  const traced = { ...recorded, graph };
  const bytes = encodeLoop(graph, loopPorts(traced.states, packs), { name: 'step' });
  return { program, traced, packs, inputs, bytes };
}
