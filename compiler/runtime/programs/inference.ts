import type * as ort from 'onnxruntime-node';
import type { Constant, Graph } from '../../graph/index.js';
import { encodeModel } from '../../onnx/model.js';
import { inference, runPasses } from '../../passes/pipelines.js';
import type { Target } from '../../target.js';
import type { InputSpec, Traced } from '../../trace/trace.js';
import { stateInput } from '../../trace/variables.js';
import { createSession, runSession } from '../session.js';
import type { StateStore } from './state-store.js';
import { bindFeeds, type Feed, type HostTensor, resultsOf } from './tensors.js';

/** The graph with inputs replaced by constants. */
function bindConstants(graph: Graph, values: ReadonlyMap<string, Constant>): Graph {
  return {
    ...graph,
    inputs: graph.inputs.filter(({ name }) => !values.has(name)),
    constants: new Map([...graph.constants, ...values]),
  };
}

/**
 * A function that only reads states. The states are constants of the model that runs: batch norm is folded into
 * convolutions, and ONNX Runtime packs the weights ahead. A changed state needs a new session (tens of ms).
 */
export class InferenceProgram {
  /** Number of sessions opened so far. */
  sessions = 0;
  private readonly names: readonly string[];
  private opened: { readonly version: number; readonly session: ort.InferenceSession } | undefined;

  constructor(
    private readonly traced: Traced,
    private readonly states: StateStore,
    private readonly inputs: Readonly<Record<string, InputSpec>>,
    private readonly target: Target,
  ) {
    this.names = traced.states.map(({ variable }) => variable.name);
  }

  /** Runs the function on the current states; the first run after a change opens a new session. */
  run(feeds: Readonly<Record<string, Feed>>): Promise<Record<string, HostTensor>> {
    return this.states.inOrder(async () => {
      const bound = bindFeeds(this.inputs, feeds);
      return resultsOf(Object.keys(this.traced.outputs), await runSession(await this.session(), bound));
    });
  }

  /** Frees ONNX Runtime's memory. */
  async dispose(): Promise<void> {
    await this.opened?.session.release();
    this.opened = undefined;
  }

  private async session(): Promise<ort.InferenceSession> {
    const version = this.states.version(this.names);
    if (this.opened?.version !== version) {
      const constants = await this.constants();
      await this.dispose();
      const bound = { graph: bindConstants(this.traced.graph, constants) };
      const { graph } = runPasses(bound, inference, this.target);
      const session = await createSession(encodeModel(graph, { name: 'inference' }), this.target);
      this.opened = { version, session };
      this.sessions++;
    }
    return this.opened.session;
  }

  /** Current values of the states, in the storage order of the graph's inputs. */
  private async constants(): Promise<Map<string, Constant>> {
    const values = await this.states.values(this.names);
    return new Map([...values].map(([name, value]) => [stateInput(name), value]));
  }
}
