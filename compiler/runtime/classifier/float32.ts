import { AttributeProto_AttributeType as Kind, TensorProto_DataType as Type } from 'onnx-buf';
import { invalidInput } from '../../../base/errors.js';
import { requireInside } from '../../onnx/check.js';
import type { OnnxFile } from '../../onnx/file.js';

/** Operators that only quantized models have, in any domain. */
const quantizedOperators =
  /^(QLinear.*|QGemm|QAttention|QMoE|.*QuantizeLinear|(Conv|MatMul)Integer.*|DynamicQuantize.*|MatMulNBits|MatMulBnb4|GatherBlockQuantized)$/;

/** Number types with other arithmetic than float32. */
const otherFloats: ReadonlyMap<number, string> = new Map([
  [Type.FLOAT16.valueOf(), 'float16'],
  [Type.BFLOAT16.valueOf(), 'bfloat16'],
  [Type.DOUBLE.valueOf(), 'float64'],
]);

/** Types that occur only in quantized weights. */
const bytes: ReadonlyMap<number, string> = new Map([
  [Type.INT8.valueOf(), 'int8'],
  [Type.UINT8.valueOf(), 'uint8'],
  [Type.INT4.valueOf(), 'int4'],
  [Type.UINT4.valueOf(), 'uint4'],
]);

/** What a model is read for. */
export type Purpose = 'quantized' | 'trained' | 'exported';

const floatHints: { readonly [P in Purpose]: string } = {
  quantized: 'Export the model in float32, and quantize that.',
  trained: 'Export the model in float32, and train that.',
  exported: 'Export the model in float32, and make an int8 file of that with nas quantize.',
};
const sourceHint = 'Give the float32 model that it was made from.';

function refuseNodes({ graph }: OnnxFile, where: string, purpose: Purpose): void {
  for (const { name, opType, output, attribute } of graph.node) {
    const label = `node '${name || output[0]}'`;
    if (quantizedOperators.test(opType))
      throw invalidInput(`${where} is quantized already: ${label} is ${opType}`, { hint: sourceHint });
    if (attribute.some(({ type }) => type === Kind.GRAPH || type === Kind.GRAPHS))
      throw invalidInput(`${where}: ${label} (${opType}) holds graphs of its own, which cannot be ${purpose}`, {
        hint: 'Export the model in evaluation mode, without branches and loops.',
      });
    const to = opType === 'Cast' ? attribute.find((each) => each.name === 'to')?.i : undefined;
    const type = to === undefined ? undefined : otherFloats.get(Number(to));
    if (type !== undefined)
      throw invalidInput(`${where}: ${label} casts to ${type}: only float32 models can be ${purpose}`, {
        hint: floatHints[purpose],
      });
  }
}

function refuseConstants({ graph }: OnnxFile, where: string, purpose: Purpose): void {
  const values = graph.node.flatMap(({ opType, attribute }) =>
    opType === 'Constant' ? attribute.flatMap(({ t }) => (t === undefined ? [] : [t])) : [],
  );
  for (const tensor of [...graph.initializer, ...values]) {
    requireInside(tensor, where);
    const { name, dataType, dims } = tensor;
    const other = otherFloats.get(dataType);
    if (other !== undefined)
      throw invalidInput(`${where} holds constants of ${other}: '${name}' [${dims}]`, { hint: floatHints[purpose] });
    const byte = bytes.get(dataType);
    if (byte !== undefined && dims.length > 1)
      throw invalidInput(`${where} is quantized already: '${name}' [${dims}] is ${byte}`, { hint: sourceHint });
  }
}

/**
 * @param where names the file in errors
 * @throws NasError `invalid-input` unless the file is one graph that computes in float32 with its constants inside; names the
 *   node or constant
 */
export function requireFloat32(file: OnnxFile, where: string, purpose: Purpose): void {
  refuseNodes(file, where, purpose);
  refuseConstants(file, where, purpose);
  if (file.functions.length > 0)
    throw invalidInput(`${where} holds functions of its own (${file.functions[0].name}), which cannot be ${purpose}`, {
      hint: 'Inline them: onnx.inliner.inline_local_functions(model).',
    });
  if (file.graph.sparseInitializer.length > 0)
    throw invalidInput(`${where} holds sparse constants, which cannot be ${purpose}`, { hint: floatHints[purpose] });
}
