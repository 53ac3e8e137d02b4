import * as ort from 'onnxruntime-node';
import { elementTypes } from '../graph/index.js';
import { loopPort, stepsInput } from '../onnx/loop.js';
import { fromOrt, resultsOf, type HostTensor } from './tensors.js';

type Tensors = Record<string, ort.Tensor>;

/** How a model that was made of a step is run: what its ports are called, what they take and give. */
export interface Calling {
  /** Whether one run makes several steps. */
  readonly several: boolean;
  /** The model's port for a state that the step replaces. */
  port(name: string): string;
  /** What the model is fed for steps that are each fed this. */
  feeds(steps: readonly Readonly<Tensors>[]): Tensors;
  /** The step's outputs of these names, for each of so many steps. */
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

/** Tensors of one shape as one, along a new leading axis. */
function stack(parts: readonly ort.Tensor[]): ort.Tensor {
  const [{ type, dims, size }] = parts;
  if (type !== 'float32' && type !== 'int32' && type !== 'uint32') throw new Error(`internal: a feed of type ${type}`);
  const all = new elementTypes[type].array(parts.length * size);
  for (const [i, { data }] of parts.entries()) all.set(data as typeof all, i * size);
  return new ort.Tensor(type, all, [parts.length, ...dims]);
}

/** The parts of a tensor along its leading axis: views, no copies. */
function unstack({ dtype, shape: [, ...shape], data }: HostTensor, count: number): HostTensor[] {
  const size = data.length / count;
  return Array.from({ length: count }, (_, i) => ({ dtype, shape, data: data.subarray(i * size, (i + 1) * size) }));
}
