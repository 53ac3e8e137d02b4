import * as ort from 'onnxruntime-node';
import { elementTypes, type Graph } from '../../graph/index.js';
import { loopPort, stepsInput } from '../../onnx/loop.js';
import { bindFeeds, type Feed, fromOrt, type HostTensor, hostBytes, resultsOf, toOrt } from './tensors.js';
import { invalidInput } from '../../../base/errors.js';
import { capabilitiesOf } from '../../onnx/providers.js';
import type { StatePack } from '../../passes/pack-states.js';
import { noiseSeed } from '../../trace/operations.js';
import { type InputSpec, noiseInput, type State, type Traced } from '../../trace/trace.js';
import { stateInput, stateOutput } from '../../trace/variables.js';
import { profileModel, type Profile } from '../inspection/profile.js';
import type { StateStore } from './state-store.js';
import { runSession, type SessionOptions } from '../session.js';

type Tensors = Record<string, ort.Tensor>;

/** The calling convention of a model that was made of a step: names, feeds and results. */
interface Calling {
  /** Whether one run can make several steps. */
  readonly several: boolean;
  /** The model's port for a state that the step replaces. */
  port(name: string): string;
  /** The model's feeds from the feeds of each step. */
  feeds(steps: readonly Readonly<Tensors>[]): Tensors;
  /** Outputs by name for each step. */
  results(names: readonly string[], results: Readonly<Tensors>, steps: number): Record<string, HostTensor>[];
}

/** The model is the step. */
export const singly: Calling = {
  several: false,
  port: (name) => name,
  feeds: ([own]) => ({ ...own }),
  results: (names, results) => [resultsOf(names, results)],
};

/** The model is a loop over steps (`encodeLoop`). */
export const looping: Calling = {
  several: true,
  port: loopPort,
  feeds(steps) {
    const stacked = Object.keys(steps[0]).map(
      (name) => [loopPort(name), stack(steps.map((own) => own[name]))] as const,
    );
    return { ...Object.fromEntries(stacked), [stepsInput]: new ort.Tensor('int64', [BigInt(steps.length)], []) };
  },
  results(names, results, steps) {
    const stacked = names.map((name) => [name, unstack(fromOrt(results[loopPort(name)]), steps)] as const);
    return Array.from({ length: steps }, (_, i) =>
      Object.fromEntries(stacked.map(([name, parts]) => [name, parts[i]])),
    );
  },
};

/** Stacks tensors of one shape along a new first axis. */
function stack(parts: readonly ort.Tensor[]): ort.Tensor {
  const [{ type, dims, size }] = parts;
  if (type !== 'float32' && type !== 'int32' && type !== 'uint32') throw new Error(`internal: a feed of type ${type}`);
  const all = new elementTypes[type].array(parts.length * size);
  for (const [i, { data }] of parts.entries()) all.set(data as typeof all, i * size);
  return new ort.Tensor(type, all, [parts.length, ...dims]);
}

/** Views of a tensor along its first axis. */
function unstack({ dtype, shape: [, ...shape], data }: HostTensor, count: number): HostTensor[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => ({ dtype, shape, data: data.subarray(i * size, (i + 1) * size) }));
}

type Feeds = Readonly<Record<string, Feed>>;

interface ProgramParts {
  readonly traced: Traced;
  readonly packs: readonly StatePack[];
  readonly calling: Calling;
  readonly session: ort.InferenceSession;
  /** Options of the session. */
  readonly opening: SessionOptions;
  readonly states: StateStore;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly seed: number;
  readonly bytes: Uint8Array;
}

/** A compiled function. */
export class Program {
  readonly graph: Graph;
  readonly states: StateStore;
  /** The ONNX file that runs. */
  readonly bytes: Uint8Array;
  /** Bytes that all runs so far copied from and to host memory, without states on a device. */
  bytesGiven = 0;
  bytesTaken = 0;
  /** The function's inputs that the graph uses. */
  private readonly inputs: Readonly<Record<string, InputSpec>>;
  private readonly used: ReadonlySet<string>;
  /** States with ports of their own. */
  private readonly single: readonly State[];
  /** Names of all states that a run updates. */
  private readonly assigned: readonly string[];
  /** Whether it accepts states on a device. */
  private readonly onDevice: boolean;
  private steps = 0;

  constructor(private readonly parts: ProgramParts) {
    this.graph = parts.traced.graph;
    this.states = parts.states;
    this.bytes = parts.bytes;
    this.used = new Set(this.graph.inputs.map(({ name }) => name));
    this.inputs = Object.fromEntries(Object.entries(parts.inputs).filter(([name]) => this.used.has(name)));
    const packed = new Set(parts.packs.flatMap(({ members }) => members.map(({ name }) => name)));
    this.assigned = parts.traced.states.filter(({ assigned }) => assigned).map(({ variable }) => variable.name);
    this.onDevice = capabilitiesOf(parts.opening.provider ?? 'cpu').deviceTensors;
    this.states.enter(this);
    this.single = parts.traced.states.filter(({ variable }) => !packed.has(variable.name));
  }

  /**
   * Runs the function once and updates its assigned states. Programs that share a store run in the order of the calls. ONNX
   * Runtime blocks the event loop meanwhile.
   * @param step seeds the noise of `uniform`; default: the number of runs so far
   * @throws NasError when a feed is missing or has the wrong shape
   */
  async run(feeds: Feeds, step?: number): Promise<Record<string, HostTensor>> {
    const [result] = await this.runSteps([feeds], step);
    return result;
  }

  /**
   * As `run` for each of the feeds in order. A program compiled as a loop makes all steps in one run of ONNX Runtime and
   * copies its states once.
   * @param step of the first feeds
   */
  runSteps(feeds: readonly Feeds[], step?: number): Promise<Record<string, HostTensor>[]> {
    if (feeds.length === 0) throw invalidInput('there are no feeds: a run makes at least one step');
    const { several } = this.parts.calling;
    return this.states.inOrder(async () => {
      const first = step ?? this.steps;
      if (several) return this.runModel(feeds, first);
      const results = [];
      for (const [i, each] of feeds.entries()) results.push(...(await this.runModel([each], first + i)));
      return results;
    });
  }

  /**
   * Profiles the function on the current states, without changing them.
   * @param runs number of counted runs, after `warmup`
   */
  profile(feeds: Feeds, runs: number, warmup: number): Promise<Profile> {
    const repeat = async (session: ort.InferenceSession): Promise<void> => {
      const bound = await this.bind([feeds], this.steps);
      for (let i = 0; i < warmup + runs; i++) await session.run(bound);
    };
    return this.states.inOrder(() => profileModel(this.bytes, this.parts.opening, repeat, warmup));
  }

  /** Frees ONNX Runtime's memory; the last program of a store moves the states to host memory. */
  async dispose(): Promise<void> {
    await this.states.leave(this);
    await this.parts.session.release();
  }

  /** Runs the model once. */
  private async runModel(feeds: readonly Feeds[], step: number): Promise<Record<string, HostTensor>[]> {
    const { traced, packs, calling, session, opening } = this.parts;
    const bound = await this.bind(feeds, step);
    const results = await runSession(session, bound);
    this.bytesGiven += hostBytes(Object.values(bound));
    this.bytesTaken += hostBytes(Object.values(results));
    const replaced = this.single.filter(({ assigned }) => assigned).map(({ variable }) => variable.name);
    await this.states.replace(
      this.assigned,
      new Map(
        packs.flatMap(({ vector, output }) =>
          output === null ? [] : [[vector, results[calling.port(output)]] as const],
        ),
      ),
      new Map(replaced.map((name) => [name, results[calling.port(stateOutput(name))]])),
      opening,
    );
    this.steps = step + feeds.length;
    return calling.results(Object.keys(traced.outputs), results, feeds.length);
  }

  private async bind(feeds: readonly Feeds[], step: number): Promise<Record<string, ort.Tensor>> {
    const { packs, calling, seed, traced } = this.parts;
    if (!this.onDevice) await this.states.bringHome(traced.states.map(({ variable }) => variable.name));
    const noisy = this.used.has(noiseInput);
    const noise = (at: number) => ({ [noiseInput]: toOrt('uint32', Uint32Array.of(noiseSeed(seed, at)), []) });
    const bound = calling.feeds(
      feeds.map((own, i) => ({ ...bindFeeds(this.inputs, own), ...(noisy ? noise(step + i) : {}) })),
    );
    // A loop carries all states that it updates, also unread ones.
    const takes = (input: string): boolean => calling.several || this.used.has(input);
    for (const { input, output, vector } of packs)
      if (takes(input)) bound[output === null ? input : calling.port(input)] = this.states.vector(vector);
    for (const { variable, assigned } of this.single) {
      const input = stateInput(variable.name);
      if (takes(input)) bound[assigned ? calling.port(input) : input] = await this.states.tensor(variable.name);
    }
    return bound;
  }
}
