import { create } from '@bufbuild/protobuf';
import { NodeProtoSchema } from 'onnx-buf';
import { invalidInput } from '../base/errors.js';
import { toHalf } from '../base/half.js';
import {
  checkedAfter,
  elementTypes,
  encodeRead,
  int,
  parseOnnx,
  readGraph,
  type Constant,
  type OnnxNode,
} from '../compiler/index.js';

/** Largest magnitude of a float16; beyond it there is only infinity. */
const largestHalf = 65504;

/** Formats of weights that are no larger than a float16. */
const smallFormats: ReadonlySet<string> = new Set(['int8', 'uint8', 'float16']);

/** A name that the graph does not have yet. */
function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

/** Whether a constant is a kernel or a matrix, inside the file or outside; small constants (biases, scales) stay float32. */
const isKernel = ({ shape, proto }: Constant): boolean =>
  proto?.dataType === elementTypes.float32.code && shape.length >= 2;

/**
 * The same model with its kernels stored in 16 bits: each becomes a float16 constant and a `Cast` to float32 that
 * ONNX Runtime computes once, when it opens the file. About half the download; the same operators
 * run as in the float32 file, at the same speed. Kernels are rounded to nearest, to about three digits.
 *
 * @param where what errors call the model
 * @throws NasError `invalid-input` for a model whose weights are in other formats already (int8, float16), that has no
 *   kernels, or that has a weight which a float16 cannot hold
 */
export function halveWeights(model: Uint8Array, where: string): Uint8Array {
  const source = parseOnnx(model, where);
  const graph = checkedAfter('reading', readGraph(source));
  for (const [name, { dtype }] of graph.constants)
    if (smallFormats.has(dtype))
      throw invalidInput(`${where}: the weights cannot be stored in 16 bits, ${name} is ${dtype} already`, {
        hint: 'Give the float32 model; an int8 one is smaller than 16 bits make it.',
      });
  // Weights that are inputs, too, may be given by the caller, as float32.
  const ports = new Set([...source.graph.input, ...source.graph.output].map(({ name }) => name));
  const taken = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...graph.constants.keys(),
    ...graph.nodes.flatMap(({ name, outputs }) => [name ?? '', ...outputs]),
  ]);
  const casts: OnnxNode[] = [];
  const halve = ([name, constant]: readonly [string, Constant]): readonly [string, Constant] => {
    if (!isKernel(constant) || ports.has(name)) return [name, constant];
    const { data, shape } = constant;
    if (!(data instanceof Float32Array))
      throw invalidInput(`${where}: the values of ${name} are not in the file`, {
        hint: 'Weights in files of their own are not supported: save the model as one file.',
      });
    const large = data.find((value) => Math.abs(value) > largestHalf);
    if (large !== undefined)
      throw invalidInput(`${where}: ${name} holds ${large}, which is beyond what 16 bits hold (${largestHalf})`, {
        hint: 'Keep the weights in float32.',
      });
    const half = freeName(`${name}/half`, taken);
    const attributes = { to: int(elementTypes.float32.code) };
    const label = freeName(`${name}/Cast`, taken);
    const proto = create(NodeProtoSchema, { opType: 'Cast' });
    casts.push({ op: 'Cast', inputs: [half], outputs: [name], attributes, origin: '', name: label, proto });
    return [half, { dtype: 'float16', shape, data: toHalf(data) }];
  };
  const constants = new Map([...graph.constants].map(halve));
  if (casts.length === 0) throw invalidInput(`${where} has no kernels of float32 to store in 16 bits`);
  const types = new Map([...graph.types, ...constants]);
  return encodeRead(checkedAfter("'halve weights'", { ...graph, constants, types, nodes: [...casts, ...graph.nodes] }));
}
