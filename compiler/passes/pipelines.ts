import { messageOf } from '../../base/errors.js';
import type { Graph } from '../graph/index.js';
import type { LoweringName } from '../lowerings.js';
import { capabilitiesOf, type ProviderCapabilities } from '../onnx/providers.js';
import type { Target } from '../target.js';
import { foldBatchNorm, foldConstants, groupConvolutions, shuffleChannels } from './inference.js';
import { fuseSums, simplifyReshapes } from './fusing.js';
import { mixedPrecision } from './mixed-precision.js';
import { narrowSplits, padTriples } from './provider-limits.js';
import { packStates, type StateLayout, type StatePack } from './pack-states.js';
import { writeOut } from './write-out.js';
import type { StatePorts } from './state-updates.js';

/** What passes work on. */
interface Draft {
  readonly graph: Graph;
}

/** A program whose states are inputs and outputs, and the vectors in which it takes and gives them. */
export interface StatefulDraft extends Draft {
  readonly states: readonly StatePorts[];
  readonly layout: StateLayout;
  /** Whether states of a vector that are only read are taken with all of it, not as a part. */
  readonly wholeVectors: boolean;
  readonly packs: readonly StatePack[];
}

export interface Pass<D extends Draft> {
  readonly name: string;
  /** The lowering that the pass is, where a target can do without it. */
  readonly lowering?: LoweringName;
  readonly run: (draft: D, target: Target) => D;
}

const rewriting = (
  name: string,
  rewrite: (graph: Graph, capabilities: ProviderCapabilities, target: Target) => Graph,
  lowering?: LoweringName,
) => ({
  name,
  ...(lowering && { lowering }),
  run: <D extends Draft>(draft: D, target: Target): D => ({
    ...draft,
    graph: rewrite(draft.graph, capabilitiesOf(target.provider), target),
  }),
});

/** Graphs for what the provider can do; those for the CPU stay as they are. */
const forProvider = [
  rewriting('write out what the provider lacks', (graph, { wayOf }, { provider }) => writeOut(graph, provider, wayOf)),
  rewriting('pad channels that are misread', (graph, { readsTriples }) => padTriples(graph, readsTriples)),
  rewriting('narrow splits', (graph, { mostResults }) => narrowSplits(graph, mostResults)),
];

/** Programs with states, such as training steps. */
export const stateful: readonly Pass<StatefulDraft>[] = [
  rewriting('fuse sums', fuseSums, 'fused sums'),
  {
    name: 'pack states',
    run: (draft) => ({ ...draft, ...packStates(draft.graph, draft.states, draft.layout, draft.wholeVectors) }),
  },
  rewriting('simplify reshapes', simplifyReshapes, 'merged reshapes'),
  ...forProvider,
];

/** The same in mixed precision. */
export const mixedStateful: typeof stateful = [
  ...stateful,
  rewriting('mixed precision', (graph, { longestHalfSum }) => mixedPrecision(graph, longestHalfSum)),
];

/** Inference with constant weights: as few operators as there can be, standard ones only. */
export const inference: readonly Pass<Draft>[] = [
  rewriting('fold constants', foldConstants),
  rewriting('group convolutions', groupConvolutions),
  rewriting('shuffle channels', shuffleChannels),
  rewriting('fold batch normalisation', foldBatchNorm),
  ...forProvider,
];

/** Told every graph, as it was traced and after each pass; tests give `verifyGraph`. */
export type GraphCheck = (graph: Graph) => void;

/** Runs passes one after the other, without lowerings that the target does without. */
export function runPasses<D extends Draft>(
  draft: D,
  passes: readonly Pass<D>[],
  target: Target,
  check?: GraphCheck,
): D {
  const checked = (result: D, after: string): D => {
    try {
      check?.(result.graph);
    } catch (error) {
      throw new Error(`internal: wrong after ${after}: ${messageOf(error)}`, { cause: error });
    }
    return result;
  };
  return passes
    .filter(({ lowering }) => lowering === undefined || target.lowerings.has(lowering))
    .reduce((before, { name, run }) => checked(run(before, target), `'${name}'`), checked(draft, 'tracing'));
}
