import { applyRules, checkedAfter, GraphEditor, type Graph, type Rule } from '../graph/index.js';
import { capabilitiesOf, type ProviderCapabilities } from '../onnx/providers.js';
import type { Target } from '../target.js';
import { foldBatchNorm, foldConstants, groupConvolutions, shuffleChannels } from './inference.js';
import { narrowSplits, padTriples } from './provider-limits.js';
import { packStates, type StateLayout, type StatePack } from './pack-states.js';
import { writeOut } from './write-out.js';
import type { StatePorts } from './state-updates.js';

/** What passes rewrite. */
interface Draft {
  readonly graph: Graph;
}

/** A program whose states are inputs and outputs, and the vectors that hold them. */
export interface StatefulDraft extends Draft {
  readonly states: readonly StatePorts[];
  readonly layout: StateLayout;
  /** Whether states of a vector that are only read are inputs as a whole vector, not as a part of it. */
  readonly wholeVectors: boolean;
  readonly packs: readonly StatePack[];
}

export interface Pass<D extends Draft> {
  readonly name: string;
  readonly run: (draft: D, target: Target) => D;
}

const rewriting = (
  name: string,
  rewrite: (graph: Graph, capabilities: ProviderCapabilities, target: Target) => Graph,
) => ({
  name,
  run: <D extends Draft>(draft: D, target: Target): D => ({
    ...draft,
    graph: rewrite(draft.graph, capabilitiesOf(target.provider), target),
  }),
});

const applying = (name: string, rules: readonly Rule[]) =>
  rewriting(name, (graph) => {
    const editor = new GraphEditor(graph);
    applyRules(editor, rules);
    return editor.finish();
  });

/** Adapts a graph to the provider; graphs for the CPU stay as they are. */
const forProvider = [
  rewriting('write out what the provider lacks', (graph, { implementationOf }, { provider }) =>
    writeOut(graph, provider, implementationOf),
  ),
  rewriting('pad channels that are misread', (graph, { readsTriples }) => padTriples(graph, readsTriples)),
  rewriting('narrow splits', (graph, { mostResults }) => narrowSplits(graph, mostResults)),
];

/** Programs with states, such as training steps. */
export const stateful: readonly Pass<StatefulDraft>[] = [
  {
    name: 'pack states',
    run: (draft) => ({ ...draft, ...packStates(draft.graph, draft.states, draft.layout, draft.wholeVectors) }),
  },
  ...forProvider,
];

/** Inference with constant weights and norms, of a network that may be trained on. */
export const unfolded: readonly Pass<Draft>[] = [
  applying('fold constants', foldConstants),
  applying('group convolutions', groupConvolutions),
  applying('shuffle channels', shuffleChannels),
];

/** Inference with constant weights: as few operators as possible, standard ones only. */
export const inference: readonly Pass<Draft>[] = [
  ...unfolded,
  applying('fold batch normalisation', foldBatchNorm),
  ...forProvider,
];

/** Runs passes one after the other. `NAS_VERIFY=1` verifies the graph as it was traced, and after each pass that changes it. */
export function runPasses<D extends Draft>(draft: D, passes: readonly Pass<D>[], target: Target): D {
  checkedAfter('tracing', draft.graph);
  return passes.reduce((before, { name, run }) => {
    const after = run(before, target);
    if (after.graph !== before.graph) checkedAfter(`'${name}'`, after.graph);
    return after;
  }, draft);
}
