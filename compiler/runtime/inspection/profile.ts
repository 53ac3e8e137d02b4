import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GraphProto, NodeProto } from 'onnx-buf';
import type * as ort from 'onnxruntime-node';
import { z } from 'zod';
import { parseOnnx } from '../../onnx/file.js';
import { withSession, type SessionOptions } from '../session.js';

/** An input or output of a node. */
export interface TensorKind {
  /** `float`, `float16`, `uint8`, ... */
  readonly type: string;
  readonly shape: readonly number[];
}

/** The time of one node over all profiled runs. */
export interface NodeTime {
  /** ONNX Runtime's name; a fused node is named after its parts. */
  readonly name: string;
  /** Its layer; empty when unknown. */
  readonly layer: string;
  /** ONNX operator, e.g. `Conv`. */
  readonly operator: string;
  /** Execution provider that ran it, e.g. `cpu`, `webgpu`. */
  readonly provider: string;
  /** In order; without weights that its kernel packed ahead. */
  readonly inputs: readonly TensorKind[];
  readonly outputs: readonly TensorKind[];
  /** Mean milliseconds of the counted runs. */
  readonly ms: number;
}

/** A profile of one session. */
export interface Profile {
  /** Runs after the warm-up. Only the middle half by duration counts; the others were disturbed. */
  readonly runs: number;
  /** In order of execution. */
  readonly nodes: readonly NodeTime[];
}

/** `{"float": [1, 3, 8, 8]}`; absent tensors are left out. */
const tensorsSchema = z
  .array(z.record(z.string(), z.array(z.number())))
  .default([])
  .transform((tensors): TensorKind[] =>
    tensors.flatMap((tensor) => Object.entries(tensor).map(([type, shape]) => ({ type, shape }))),
  );

const eventSchema = z.object({
  cat: z.string(),
  name: z.string(),
  /** Microseconds. */
  dur: z.number().default(0),
  args: z
    .looseObject({
      op_name: z.string().default(''),
      provider: z.string().default(''),
      node_index: z.string().default(''),
      input_type_shape: tensorsSchema,
      output_type_shape: tensorsSchema,
    })
    .default({ op_name: '', provider: '', node_index: '', input_type_shape: [], output_type_shape: [] }),
});

/** `WebGpuExecutionProvider` is `webgpu`. */
const providerName = (className: string): string => className.replace(/ExecutionProvider$/, '').toLowerCase();

/** The nodes of a graph and of its subgraphs. */
function* nodesOf({ node: nodes }: GraphProto): Generator<NodeProto> {
  for (const node of nodes) {
    yield node;
    for (const { g: inner } of node.attribute) if (inner !== undefined) yield* nodesOf(inner);
  }
}

/** Layers by node name and by output name: fused nodes are named after outputs. */
function layerNames(model: Uint8Array): Map<string, string> {
  const layers = new Map<string, string>();
  for (const { name, output } of nodesOf(parseOnnx(model).graph)) {
    const end = name.lastIndexOf('/');
    for (const key of [name, ...output]) layers.set(key, end === -1 ? '' : name.slice(0, end));
  }
  return layers;
}

/** Suffixes of nodes that ONNX Runtime creates. */
const madeSuffixes = /(_nchwc|_token_\d+|_fused.*|_QuickGelu.*)$/;

/** Microseconds of each node in one run, in order of execution. */
type RunTimes = ReadonlyMap<string, number>;

/** The middle half of the runs by total time; all of very few. */
function middleHalf(runs: readonly RunTimes[]): readonly RunTimes[] {
  const byTotal = runs
    .map((times) => ({ times, total: [...times.values()].reduce((sum, us) => sum + us, 0) }))
    .sort((a, b) => a.total - b.total);
  const cut = Math.floor(runs.length / 4);
  return byTotal.slice(cut, runs.length - cut).map(({ times }) => times);
}

/**
 * Reads the events of ONNX Runtime's profiler.
 * @param text a list of events in JSON
 * @param model the profiled model; its node names contain the layers
 * @param skip number of first runs that do not count
 * @throws an error of JSON or zod for anything else
 */
export function readProfile(text: string, model: Uint8Array, skip: number): Profile {
  const layers = layerNames(model);
  const events = z.array(eventSchema).parse(JSON.parse(text));
  const nodes = new Map<string, Omit<NodeTime, 'layer' | 'ms'>>();
  const runs: RunTimes[] = [];
  let current = new Map<string, number>();
  for (const { cat, name, dur, args } of events) {
    // The nodes of a loop are counted one by one.
    if (cat === 'Node' && name.endsWith('_kernel_time') && args.op_name !== 'Loop') {
      const node = name.slice(0, -'_kernel_time'.length);
      // Neither names nor, across subgraphs, numbers are unique.
      const key = `${args.node_index} ${node}`;
      nodes.set(key, {
        name: node,
        operator: args.op_name,
        provider: providerName(args.provider),
        inputs: args.input_type_shape,
        outputs: args.output_type_shape,
      });
      current.set(key, (current.get(key) ?? 0) + dur);
    }
    // Follows the nodes of the run.
    if (cat === 'Session' && name === 'model_run') {
      runs.push(current);
      current = new Map();
    }
  }
  const counted = runs.slice(skip);
  const middle = middleHalf(counted);
  return {
    runs: counted.length,
    nodes: [...nodes].map(([key, node]) => ({
      ...node,
      layer: layers.get(node.name) ?? layers.get(node.name.replace(madeSuffixes, '')) ?? '',
      ms: middle.reduce((sum, times) => sum + (times.get(key) ?? 0), 0) / 1e3 / Math.max(middle.length, 1),
    })),
  };
}

/**
 * Profiles a model with ONNX Runtime. The overhead makes small nodes look slower than they are.
 * @param use runs the session, more often than `skip` times
 * @param skip number of warm-up runs, which do not count
 */
export async function profileModel(
  model: Uint8Array,
  options: Omit<SessionOptions, 'profile'>,
  use: (session: ort.InferenceSession) => Promise<void>,
  skip: number,
): Promise<Profile> {
  const folder = await mkdtemp(join(tmpdir(), 'nas-profile-'));
  try {
    await withSession(model, { ...options, profile: join(folder, 'profile') }, async (session) => {
      await use(session);
      session.endProfiling();
    });
    const [file] = await readdir(folder);
    return readProfile(await readFile(join(folder, file), 'utf8'), model, skip);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
