import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphProto, NodeProto } from 'onnx-buf';
import type * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { parseOnnx } from './classifier/onnx-file.js';
import { createSession, type SessionOptions } from './session.js';

/** The time that one node of a model took, over all profiled runs. */
export interface NodeTime {
  /** As ONNX Runtime calls it: of a fused node, what it was fused from. */
  readonly name: string;
  /** The layer that it came from; empty when the model does not tell. */
  readonly layer: string;
  /** ONNX operator, e.g. `Conv`. */
  readonly operator: string;
  /** Execution provider that ran it, as the option is written, e.g. `cpu`, `webgpu`. */
  readonly provider: string;
  /** Milliseconds a run: the mean over the runs that count. */
  readonly ms: number;
}

/** A profile of one session. */
export interface Profile {
  /** Runs after the warm-up. The middle half of them counts, by how long they took: the others were disturbed. */
  readonly runs: number;
  /** In the order in which they ran. */
  readonly nodes: readonly NodeTime[];
}

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  /** Microseconds. */
  dur: z.number().default(0),
  args: z
    .looseObject({ op_name: z.string().default(''), provider: z.string().default('') })
    .default({ op_name: '', provider: '' }),
});

/** `WebGpuExecutionProvider` is `webgpu`. */
const providerName = (className: string): string => className.replace(/ExecutionProvider$/, '').toLowerCase();

/** The nodes of a graph, and of the graphs that they run. */
function* nodesOf({ node: nodes }: GraphProto): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g: inner } of node.attribute) if (inner !== undefined) yield* nodesOf(inner);
  }
}

/** The layers of a model's nodes, by the nodes' names and by the values that they give: fused nodes are named after these. */
function layersOf(model: Uint8Array): Map<string, string> {
  const layers = new Map<string, string>();
  for (const { name, output } of nodesOf(parseOnnx(model).graph)) {
    const end = name.lastIndexOf('/');
    for (const key of [name, ...output]) layers.set(key, end === -1 ? '' : name.slice(0, end));
  }
  return layers;
}

/** What ONNX Runtime appends to the names of nodes that it makes itself. */
const madeSuffixes = /(_nchwc|_token_\d+|_fused.*|_QuickGelu.*)$/;

/** Microseconds of each node in one run, in the order in which they ran. */
type RunTimes = ReadonlyMap<string, number>;

/** The runs of the middle half by total time; all of very few. */
function middleHalf(runs: readonly RunTimes[]): readonly RunTimes[] {
  const byTotal = runs
    .map((times) => ({ times, total: [...times.values()].reduce((sum, us) => sum + us, 0) }))
    .sort((a, b) => a.total - b.total);
  const cut = Math.floor(runs.length / 4);
  return byTotal.slice(cut, runs.length - cut).map(({ times }) => times);
}

/**
 * Reads ONNX Runtime's profile.
 * @param skip runs at the beginning that are left out
 */
function readEvents(text: string, layers: ReadonlyMap<string, string>, skip: number): Profile {
  const events = z.array(eventSchema).parse(JSON.parse(text));
  const nodes = new Map<string, Pick<NodeTime, 'operator' | 'provider'>>();
  const runs: RunTimes[] = [];
  let current = new Map<string, number>();
  for (const { cat, name, dur, args } of events) {
    // The time of a loop is that of its nodes.
    if (cat === 'Node' && name.endsWith('_kernel_time') && args.op_name !== 'Loop') {
      const node = name.slice(0, -'_kernel_time'.length);
      nodes.set(node, { operator: args.op_name, provider: providerName(args.provider) });
      current.set(node, (current.get(node) ?? 0) + dur);
    }
    // Written when the run is over, after its nodes.
    if (cat === 'Session' && name === 'model_run') {
      runs.push(current);
      current = new Map();
    }
  }
  const counted = runs.slice(skip);
  const middle = middleHalf(counted);
  return {
    runs: counted.length,
    nodes: [...nodes].map(([name, { operator, provider }]) => ({
      name,
      layer: layers.get(name) ?? layers.get(name.replace(madeSuffixes, '')) ?? '',
      operator,
      provider,
      ms: middle.reduce((sum, times) => sum + (times.get(name) ?? 0), 0) / 1e3 / Math.max(middle.length, 1),
    })),
  };
}

/**
 * Runs a model with ONNX Runtime's profiler on. Timing every node costs something: small nodes look slower than they are.
 * @param use runs the session, more often than `skip` times
 * @param skip runs at the beginning that are not counted: warm-up
 */
export async function profileModel(
  model: Uint8Array,
  options: Omit<SessionOptions, 'profile'>,
  use: (session: ort.InferenceSession) => Promise<void>,
  skip: number,
): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'nas-profile-'));
  try {
    const session = await createSession(model, { ...options, profile: join(folder, 'profile') });
    try {
      await use(session);
      session.endProfiling();
    } finally {
      await session.release();
    }
    const [file] = await readdir(folder);
    return readEvents(await readFile(join(folder, file), 'utf8'), layersOf(model), skip);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
