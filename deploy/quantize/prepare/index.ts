import { AttributeProto_AttributeType as Kind, TensorProto_DataLocation, TensorProto_DataType as Type } from 'onnx-buf';
import { invalidInput } from '../../../base/errors.js';
import { applyRules, checkedAfter, GraphEditor, onnxSignature, readGraph } from '../../../compiler/index.js';
import type { OnnxFile, OnnxGraph } from '../../../compiler/index.js';
import { foldAffine, hardSigmoids, oneBounds } from './activations.js';
import { padsInside, poolMeans } from './pooling.js';
import { constantNodes, foldConstants, mergeTransposes, needless, oneSpelling, staticReshapes } from './spelling.js';
import type { Rules } from './values.js';
import { vectorsAsImages } from './vectors.js';

/** The first opset in which QuantizeLinear and DequantizeLinear know channels. */
const leastOpset = 13;

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

const hints = {
  floats: 'Export the model in float32, and quantize that.',
  source: 'Give the float32 model that it was made from.',
};

function refuseNodes({ graph }: OnnxFile, where: string): void {
  for (const { name, opType, output, attribute } of graph.node) {
    const label = `node '${name || output[0]}'`;
    if (quantizedOperators.test(opType))
      throw invalidInput(`${where} is quantized already: ${label} is ${opType}`, { hint: hints.source });
    if (attribute.some(({ type }) => type === Kind.GRAPH || type === Kind.GRAPHS))
      throw invalidInput(`${where}: ${label} (${opType}) holds graphs of its own, which cannot be quantized`, {
        hint: 'Export the model in evaluation mode, without branches and loops.',
      });
    const to = opType === 'Cast' ? attribute.find((each) => each.name === 'to')?.i : undefined;
    const type = to === undefined ? undefined : otherFloats.get(Number(to));
    if (type !== undefined)
      throw invalidInput(`${where}: ${label} casts to ${type}: only float32 models can be quantized`, {
        hint: hints.floats,
      });
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
      throw invalidInput(`${where} holds constants of ${other}: '${name}' [${dims}]`, { hint: hints.floats });
    const byte = bytes.get(dataType);
    if (byte !== undefined && dims.length > 1)
      throw invalidInput(`${where} is quantized already: '${name}' [${dims}] is ${byte}`, { hint: hints.source });
  }
}

/**
 * @param where what errors call the file
 * @throws NasError `invalid-input` when the file is no float32 image classifier in one graph, is quantized already, has an
 *   opset below 13, or keeps its weights in another file; names the node or constant
 */
function refuseOthers(file: OnnxFile, where: string): void {
  refuseNodes(file, where);
  refuseConstants(file, where);
  const standard = file.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const opset = Number(standard?.version ?? 1n);
  if (opset < leastOpset)
    throw invalidInput(`${where} is of opset ${opset}; quantizing takes ${leastOpset} and above`, {
      hint: `Export it with opset_version=17, or convert it: onnx.version_converter.convert_version(model, 17).`,
    });
  if (file.functions.length > 0)
    throw invalidInput(`${where} holds functions of its own (${file.functions[0].name}), which cannot be quantized`, {
      hint: 'Inline them: onnx.inliner.inline_local_functions(model).',
    });
  if (file.graph.sparseInitializer.length > 0)
    throw invalidInput(`${where} holds sparse constants, which cannot be quantized`, { hint: hints.floats });
  onnxSignature(file, where);
}

/** From this format on, constants need not be listed among the inputs. */
const constantsApart = 4n;

/** The file without constants among its inputs and without recorded types of inner tensors: types follow from the inputs. */
function withFixedConstants(file: OnnxFile): OnnxFile {
  const constants = new Set(file.graph.initializer.map(({ name }) => name));
  const input = file.graph.input.filter(({ name }) => !constants.has(name));
  const irVersion = file.irVersion > constantsApart ? file.irVersion : constantsApart;
  // The version of the producer is written also where the file leaves it out.
  return { ...file, irVersion, producerVersion: file.producerVersion, graph: { ...file.graph, input, valueInfo: [] } };
}

/** Sets of rules that change no value by more than rounding, in order: later sets expect the forms of earlier ones. */
const preparation: Readonly<Record<string, () => Rules>> = {
  'make constants initializers': () => constantNodes,
  'leave out what does nothing': () => needless,
  'fold constants': () => foldConstants,
  'reshape to constant shapes': () => staticReshapes,
  'one spelling of sums and products': () => oneSpelling,
  'one bound': () => oneBounds,
  'recognise hard sigmoids': () => hardSigmoids,
  'merge transposes': () => mergeTransposes,
  'pad in the convolution': () => padsInside,
  'means as poolings': () => poolMeans,
  'vectors as images': vectorsAsImages,
  'fold scales and shifts': () => foldAffine,
  'leave out what does nothing any more': () => needless,
};

/**
 * Rewrites the model into the few float operators that a plan knows: convolutions with folded batch norm, dense layers as
 * convolutions of one pixel, Relu, Clip, HardSigmoid, Sigmoid, Add, Mul, poolings, and operators that only move values. The
 * result has the same inputs and outputs and the same values up to float32 rounding. Nodes that match no rule stay.
 *
 * @param where what errors call the file
 * @throws NasError `invalid-input` when the file is no float32 image classifier of opset 13 or above, or quantized already
 */
export function prepare(file: OnnxFile, where: string): OnnxGraph {
  refuseOthers(file, where);
  const read = checkedAfter('reading', readGraph(withFixedConstants(file)));
  const editor = new GraphEditor<string>(read);
  for (const [name, rules] of Object.entries(preparation)) {
    applyRules(editor, rules());
    checkedAfter(name, editor.finish());
  }
  return editor.finish();
}
