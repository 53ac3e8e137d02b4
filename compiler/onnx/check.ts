import { TensorProto_DataLocation, TensorProto_DataType, type TensorProto } from 'onnx-buf';
import { invalidInput } from '../../base/errors.js';
import type { OnnxFile } from './file.js';

/** Bytes of a number, of types that are not packed. */
const widths: ReadonlyMap<number, number> = new Map([
  ...[TensorProto_DataType.FLOAT, TensorProto_DataType.INT32, TensorProto_DataType.UINT32].map(
    (type) => [type, 4] as const,
  ),
  ...[TensorProto_DataType.DOUBLE, TensorProto_DataType.INT64].map((type) => [type, 8] as const),
  ...[TensorProto_DataType.FLOAT16, TensorProto_DataType.BFLOAT16].map((type) => [type, 2] as const),
  ...[TensorProto_DataType.INT8, TensorProto_DataType.UINT8, TensorProto_DataType.BOOL].map(
    (type) => [type, 1] as const,
  ),
]);

const damaged = 'The file is damaged: check it with onnx.checker.';

/** Why the numbers of a tensor cannot be read; undefined where they can. */
function problemOf({ dataType, dims, rawData }: TensorProto): string | undefined {
  if (!(dataType in TensorProto_DataType)) return `has numbers of the unknown type ${dataType}`;
  if (dims.some((size) => size < 0n)) return `has a negative size: [${dims}]`;
  const width = widths.get(dataType);
  const bytes = dims.reduce((size, dim) => size * dim, BigInt(width ?? 0));
  if (width === undefined || rawData.length === 0 || BigInt(rawData.length) === bytes) return undefined;
  return `has ${rawData.length} bytes of data, and its shape [${dims}] needs ${bytes}`;
}

/** @throws NasError `invalid-input` where the numbers of the tensor are not in its file */
export function requireInside({ name, dataLocation }: TensorProto, where: string): void {
  if (dataLocation === TensorProto_DataLocation.EXTERNAL)
    throw invalidInput(`${where} keeps the data of '${name}' in another file`, {
      hint: 'Save it as one file: onnx.save(onnx.load(path), path), without save_as_external_data.',
    });
}

/** @throws NasError `invalid-input` naming the first weight that cannot be read */
function requireTensors({ graph }: OnnxFile, where: string): void {
  for (const tensor of graph.initializer) {
    requireInside(tensor, where);
    const problem = problemOf(tensor);
    if (problem !== undefined)
      throw invalidInput(`${where}: the weight '${tensor.name}' ${problem}`, { hint: damaged });
  }
}

/** @throws NasError `invalid-input` where a node reads a value that no earlier one computes, or computes one again */
export function requireOrder({ graph }: OnnxFile, where: string): void {
  const known = new Set(['', ...[...graph.input, ...graph.initializer].map(({ name }) => name)]);
  for (const { values } of graph.sparseInitializer) known.add(values?.name ?? '');
  for (const { name, opType, input, output } of graph.node) {
    const node = `${where}: node '${name === '' ? output.join(', ') : name}' (${opType})`;
    const missing = input.find((value) => !known.has(value));
    if (missing !== undefined)
      throw invalidInput(`${node} reads '${missing}', which nothing computes before it`, { hint: damaged });
    for (const value of output) {
      if (value !== '' && known.has(value)) throw invalidInput(`${node} computes '${value}' again`, { hint: damaged });
      known.add(value);
    }
  }
  const lost = graph.output.find(({ name }) => !known.has(name));
  if (lost !== undefined) throw invalidInput(`${where} does not compute its output '${lost.name}'`, { hint: damaged });
}

/** The newest operator set that files are read of. */
const newestOpset = 25n;

/** @throws NasError `invalid-input` for a file of no operator set, or of one of the future */
function requireOpset({ opsetImport }: OnnxFile, where: string): void {
  if (opsetImport.length === 0)
    throw invalidInput(`${where} does not say of which operator set it is`, { hint: damaged });
  const { version = 0n } = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx') ?? {};
  if (version > newestOpset)
    throw invalidInput(`${where} is of operator set ${version}, and ${newestOpset} is the newest that nas reads`, {
      hint: 'Export the model with opset_version=17.',
    });
}

/**
 * Checks what ONNX Runtime would refuse in words of its own.
 * @throws NasError `invalid-input` naming the weight or the node
 */
export function checkFile(file: OnnxFile, where: string): void {
  requireTensors(file, where);
  requireOpset(file, where);
  requireOrder(file, where);
}
