import { messageOf } from '../../base/errors.js';
import type { Graph } from '../graph/index.js';
import type { LoweringName } from '../lowerings.js';
import type { Target } from '../target.js';
import { shuffleChannels } from './channel-shuffle.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldConstants } from './fold-constants.js';
import { fuseSums } from './fuse-sums.js';
import { groupConvolutions } from './group-convolutions.js';
import { packStates, type StateLayout, type StatePack } from './pack-states.js';
import { simplifyReshapes } from './simplify-reshapes.js';
import type { StatePorts } from './state-updates.js';

/** What passes work on. */
interface Draft {
  readonly graph: Graph;
}

/** A program whose states are inputs and outputs, and the vectors in which it takes and gives them. */
export interface StatefulDraft extends Draft {
  readonly states: readonly StatePorts[];
  readonly layout: StateLayout;
  readonly packs: readonly StatePack[];
}

export interface Pass<D extends Draft> {
  readonly name: string;
  /** The lowering that the pass is, where a target can do without it. */
  readonly lowering?: LoweringName;
  readonly run: (draft: D) => D;
}

const rewriting = (name: string, rewrite: (graph: Graph) => Graph, lowering?: LoweringName) => ({
  name,
  ...(lowering && { lowering }),
  run: <D extends Draft>(draft: D): D => ({ ...draft, graph: rewrite(draft.graph) }),
});

/** Programs with states, such as training steps. */
export const stateful: readonly Pass<StatefulDraft>[] = [
  rewriting('fuse sums', fuseSums, 'fused sums'),
  {
    name: 'pack states',
    run: (draft) => ({ ...draft, ...packStates(draft.graph, draft.states, draft.layout) }),
  },
  rewriting('simplify reshapes', simplifyReshapes, 'merged reshapes'),
];

/** Inference with constant weights: as few operators as there can be, standard ones only. */
export const inference: readonly Pass<Draft>[] = [
  rewriting('fold constants', foldConstants),
  rewriting('group convolutions', groupConvolutions),
  rewriting('shuffle channels', shuffleChannels),
  rewriting('fold batch normalisation', foldBatchNorm),
];

/** Told every graph, as it was traced and after each pass; tests give `verifyGraph`. */
export type GraphCheck = (graph: Graph) => void;

/** Runs passes one after the other, without lowerings that the target does without. */
export function runPasses<D extends Draft>(
  draft: D,
  passes: readonly Pass<D>[],
  { lowerings }: Target,
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
    .filter(({ lowering }) => lowering === undefined || lowerings.has(lowering))
    .reduce((before, { name, run }) => checked(run(before), `'${name}'`), checked(draft, 'tracing'));
}
