import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';
import { invalidInput } from '../../../base/errors.js';
import { onnxSignature, type OnnxFile } from '../../../compiler/index.js';
import { nodeFrom, nodeLabel } from '../onnx-nodes.js';

/** The first opset in which QuantizeLinear and DequantizeLinear know channels. */
const leastOpset = 13;

/** Operators that only quantized models have, of whatever domain. */
const quantizedOperators =
  /^(QLinear.*|QGemm|QAttention|QMoE|.*QuantizeLinear|(Conv|MatMul)Integer.*|DynamicQuantize.*|MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/;

const opsetOf = ({ opsetImport }: OnnxFile): number =>
  Number(opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1n);

/** Types of numbers whose arithmetic is another than float32's. */
const otherFloats: ReadonlyMap<number, string> = new Map([
  [Type.FLOAT16.valueOf(), 'float16'],
  [Type.BFLOAT16.valueOf(), 'bfloat16'],
  [Type.DOUBLE.valueOf(), 'float64'],
]);

/** Types that only quantized weights have. */
const bytes: ReadonlyMap<number, string> = new Map([
  [Type.INT8.valueOf(), 'int8'],
  [Type.UINT8.valueOf(), 'uint8'],
  [Type.INT4.valueOf(), 'int4'],
  [Type.UINT4.valueOf(), 'uint4'],
]);

const floatHint = 'Export the model in float32, and quantize that.';

function refuseNodes({ graph }: OnnxFile, where: string): void {
  for (const proto of graph.node) {
    const node = nodeFrom(proto);
    const what = `${where}: node '${nodeLabel(node)}'`;
    if (quantizedOperators.test(node.opType))
      throw invalidInput(`${where} is quantized already: node '${nodeLabel(node)}' is ${node.opType}`, {
        hint: 'Give the float32 model that it was made from.',
      });
    if (node.attribute.some(({ type }) => type === Kind.GRAPH || type === Kind.GRAPHS))
      throw invalidInput(`${what} (${node.opType}) holds graphs of its own, which cannot be quantized`, {
        hint: 'Export the model in evaluation mode, without branches and loops.',
      });
    const to = node.opType === 'Cast' ? node.attribute.find(({ name }) => name === 'to')?.i : undefined;
    const type = to === undefined ? undefined : otherFloats.get(Number(to));
    if (type !== undefined)
      throw invalidInput(`${what} casts to ${type}: only float32 models can be quantized`, { hint: floatHint });
  }
}

function refuseConstants({ graph }: OnnxFile, where: string): void {
  const values = graph.node.flatMap(({ opType, attribute }) =>
    opType === 'Constant' ? attribute.flatMap(({ t }) => (t === undefined ? [] : [t])) : [],
  );
  for (const { name, dataType, dataLocation, dims } of [...graph.initializer, ...values]) {
    if (dataLocation === TensorProto_DataLocation.EXTERNAL)
      throw invalidInput(`${where} keeps the data of '${name}' in another file`, {
        hint: 'Save it as one file: onnx.save(onnx.load(path), path), without save_as_external_data.',
      });
    const other = otherFloats.get(dataType);
    if (other !== undefined)
      throw invalidInput(`${where} holds constants of ${other}: '${name}' [${dims}]`, { hint: floatHint });
    const byte = bytes.get(dataType);
    if (byte !== undefined && dims.length > 1)
      throw invalidInput(`${where} is quantized already: '${name}' [${dims}] is ${byte}`, {
        hint: 'Give the float32 model that it was made from.',
      });
  }
}

/**
 * @param where what errors call the file
 * @throws NasError `invalid-input` for what is no float32 classifier of images in one graph, is quantized already, is of an
 *   opset below 13, or keeps its weights elsewhere; names the node or constant
 */
export function refuseOthers(file: OnnxFile, where: string): void {
  refuseNodes(file, where);
  refuseConstants(file, where);
  const opset = opsetOf(file);
  if (opset < leastOpset)
    throw invalidInput(`${where} is of opset ${opset}; quantizing takes ${leastOpset} and above`, {
      hint: `Export it with opset_version=17, or convert it: onnx.version_converter.convert_version(model, 17).`,
    });
  if (file.functions.length > 0)
    throw invalidInput(`${where} holds functions of its own (${file.functions[0].name}), which cannot be quantized`, {
      hint: 'Inline them: onnx.inliner.inline_local_functions(model).',
    });
  if (file.graph.sparseInitializer.length > 0)
    throw invalidInput(`${where} holds sparse constants, which cannot be quantized`, { hint: floatHint });
  onnxSignature(file, where);
}
