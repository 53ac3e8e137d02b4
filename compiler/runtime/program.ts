import type * as ort from 'onnxruntime-node';
import type { Graph } from '../graph/index.js';
import type { StatePack } from '../passes/pack-states.js';
import { noiseSeed } from '../trace/noise.js';
import type { InputSpec, State, Traced } from '../trace/trace.js';
import { noiseInput } from '../trace/trace.js';
import { stateInput, stateOutput } from '../trace/variables.js';
import { profileModel, type Profile } from './profile.js';
import type { StateStore } from './state-store.js';
import type { Feed, HostTensor } from './tensors.js';
import { bindFeeds, resultsOf, toOrt } from './tensors.js';
import { runSession, type SessionOptions } from './session.js';

/** How long each stage of compiling took, in ms. */
export interface Timings {
  readonly trace: number;
  readonly encode: number;
  readonly session: number;
}

export interface ProgramParts {
  readonly traced: Traced;
  readonly packs: readonly StatePack[];
  readonly session: ort.InferenceSession;
  /** How the session was opened. */
  readonly opening: SessionOptions;
  readonly states: StateStore;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly seed: number;
  readonly bytes: Uint8Array;
  readonly timings: Timings;
}

/** A compiled function. */
export class Program {
  readonly graph: Graph;
  readonly states: StateStore;
  /** The ONNX file that runs. */
  readonly bytes: Uint8Array;
  readonly timings: Timings;
  /** Inputs of the function that the graph uses. */
  private readonly inputs: Readonly<Record<string, InputSpec>>;
  private readonly used: ReadonlySet<string>;
  /** States with ports of their own. */
  private readonly single: readonly State[];
  /** Names of all states that a run replaces. */
  private readonly assigned: readonly string[];
  private steps = 0;

  constructor(private readonly parts: ProgramParts) {
    this.graph = parts.traced.graph;
    this.states = parts.states;
    this.bytes = parts.bytes;
    this.timings = parts.timings;
    this.used = new Set(this.graph.inputs.map(({ name }) => name));
    this.inputs = Object.fromEntries(Object.entries(parts.inputs).filter(([name]) => this.used.has(name)));
    const packed = new Set(parts.packs.flatMap(({ members }) => members.map(({ name }) => name)));
    this.assigned = parts.traced.states.filter(({ assigned }) => assigned).map(({ variable }) => variable.name);
    this.single = parts.traced.states.filter(({ variable }) => !packed.has(variable.name));
  }

  /**
   * Runs the function once and updates the states that it assigns. `step` numbers the noise of `uniform`; by default
   * it counts the runs of this program from 0. Runs of programs that share a store happen in the order of their calls.
   * ONNX Runtime blocks the event loop meanwhile.
   * @throws NasError when a feed is missing or does not fit.
   */
  run(feeds: Readonly<Record<string, Feed>>, step?: number): Promise<Record<string, HostTensor>> {
    return this.states.inOrder(() => this.runStep(feeds, step ?? this.steps));
  }

  /**
   * Runs the function with ONNX Runtime's profiler, on the states as they are, which stay so.
   * @param runs runs that count, after `warmup` that do not
   */
  profile(feeds: Readonly<Record<string, Feed>>, runs: number, warmup: number): Promise<Profile> {
    const repeat = async (session: ort.InferenceSession): Promise<void> => {
      for (let i = 0; i < warmup + runs; i++) await session.run(this.bind(feeds, this.steps));
    };
    return this.states.inOrder(() => profileModel(this.bytes, this.parts.opening, repeat, warmup));
  }

  /** Frees ONNX Runtime's memory; the states stay in their store. */
  async dispose(): Promise<void> {
    await this.parts.session.release();
  }

  private async runStep(feeds: Readonly<Record<string, Feed>>, step: number): Promise<Record<string, HostTensor>> {
    const results = await runSession(this.parts.session, this.bind(feeds, step));
    const replaced = this.single.filter(({ assigned }) => assigned).map(({ variable }) => variable.name);
    this.states.replace(
      this.assigned,
      new Map(this.parts.packs.map(({ vector, output }) => [vector, results[output]])),
      new Map(replaced.map((name) => [name, results[stateOutput(name)]])),
    );
    this.steps = step + 1;
    return resultsOf(Object.keys(this.parts.traced.outputs), results);
  }

  private bind(feeds: Readonly<Record<string, Feed>>, step: number): Record<string, ort.Tensor> {
    const bound = bindFeeds(this.inputs, feeds);
    if (this.used.has(noiseInput))
      bound[noiseInput] = toOrt('uint32', Uint32Array.of(noiseSeed(this.parts.seed, step)), []);
    for (const { input, vector } of this.parts.packs)
      if (this.used.has(input)) bound[input] = this.states.vector(vector);
    for (const { variable, read } of this.single)
      if (read) bound[stateInput(variable.name)] = this.states.tensor(variable.name);
    return bound;
  }
}
