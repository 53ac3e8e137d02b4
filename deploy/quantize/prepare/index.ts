import { invalidInput } from '../../../base/errors.js';
import {
  applyRules,
  checkedAfter,
  constantNodes,
  foldConstants,
  GraphEditor,
  onnxSignature,
  readGraph,
  requireFloat32,
} from '../../../compiler/index.js';
import type { OnnxFile, OnnxGraph, Purpose } from '../../../compiler/index.js';
import { foldAffine, hardSigmoids, oneBounds } from './activations.js';
import { padsInside, poolMeans } from './pooling.js';
import { mergeTransposes, needless, oneSpelling, staticReshapes, turnImagesFirst } from './spelling.js';
import type { Rules } from './values.js';
import { vectorsAsImages } from './vectors.js';

/** The first opset in which QuantizeLinear and DequantizeLinear know channels. */
const leastOpset = 13;

/**
 * @param where what errors call the file
 * @throws NasError `invalid-input` when the file is no float32 image classifier in one graph, is quantized already, has an
 *   opset below 13, or keeps its weights in another file; names the node or constant
 */
function refuseOthers(file: OnnxFile, where: string, purpose: Purpose): void {
  requireFloat32(file, where, purpose);
  const standard = file.opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx');
  const opset = Number(standard?.version ?? 1n);
  if (opset < leastOpset)
    throw invalidInput(`${where} is of opset ${opset}; models of ${leastOpset} and above are ${purpose}`, {
      hint: `Export it with opset_version=17, or convert it: onnx.version_converter.convert_version(model, 17).`,
    });
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
  'turn images first': () => turnImagesFirst,
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
 * @param purpose what errors say that it cannot be
 * @throws NasError `invalid-input` when the file is no float32 image classifier of opset 13 or above, or quantized already
 */
export function prepare(file: OnnxFile, where: string, purpose: Purpose = 'quantized'): OnnxGraph {
  refuseOthers(file, where, purpose);
  const read = checkedAfter('reading', readGraph(withFixedConstants(file)));
  const editor = new GraphEditor<string>(read);
  for (const [name, rules] of Object.entries(preparation)) {
    applyRules(editor, rules());
    checkedAfter(name, editor.finish());
  }
  return editor.finish();
}
