import { clone, create } from '@bufbuild/protobuf';
import { StringStringEntryProtoSchema, ValueInfoProtoSchema, type ValueInfoProto } from 'onnx-buf';
import { invalidInput } from '../../base/errors.js';
import { applyRules, GraphEditor, int, windowOf, withTypes, type OnnxGraph, type Rule } from '../graph/index.js';
import { parseOnnx } from '../onnx/file.js';
import { encodeRead } from '../onnx/model.js';
import { readGraph } from '../onnx/read.js';
import { constantNodes } from '../passes/constants.js';
import { onnxSignature } from '../runtime/classifier/signature.js';
import { foreignNetwork } from './network.js';
import { greyImages, imageOf, isOpen } from './read.js';

const globalPools: Readonly<Record<string, string>> = { AveragePool: 'GlobalAveragePool', MaxPool: 'GlobalMaxPool' };

/** Pools as large as their map become pools of any map. */
const wholeMaps: Rule<string> = {
  match: [Object.keys(globalPools)],
  replace: (node, { editor }) => {
    const map = editor.shape(node.inputs[0])?.slice(2).map(Number);
    const { kernel, pads = [1] } = (map && windowOf(node, map)) ?? {};
    const isWhole = String(kernel) === String(map) && pads.every((pad) => pad === 0) && node.outputs.length === 1;
    const { name, inputs, outputs } = node;
    return isWhole ? [{ op: globalPools[node.op], name, inputs, outputs }] : null;
  },
};

/** Whether numbers are computed from the shape of a value. */
function followsShape(name: string, editor: GraphEditor<string>): boolean {
  const node = editor.producer(name);
  return node !== undefined && (node.op === 'Shape' || node.inputs.some((input) => followsShape(input, editor)));
}

/** Reshapes that split or join channels name the height and width that their map has. */
const sameMaps: Rule<string> = {
  match: ['Reshape'],
  replace: (node, { editor }) => {
    const [x, target] = node.inputs;
    const [shape = [], numbers] = [editor.shape(x), editor.numbers(target)];
    const isMap =
      shape.length >= 4 && (numbers?.length ?? 0) >= 4 && shape.slice(-2).join() === numbers?.slice(-2).join();
    if (!isMap || followsShape(target, editor)) return null;
    const [sizes, map, whole] = ['sizes', 'map', 'shape'].map((what) => editor.fresh(`${node.outputs[0]}/${what}`));
    const last = editor.addIntegers(`${node.outputs[0]}/last`, [shape.length - 2, shape.length - 1]);
    const first = editor.addIntegers(`${node.outputs[0]}/first`, numbers.slice(0, -2));
    return [
      { op: 'Shape', inputs: [x], outputs: [sizes] },
      { op: 'Gather', inputs: [sizes, last], outputs: [map] },
      { op: 'Concat', inputs: [first, map], outputs: [whole], attributes: { axis: int(0) } },
      { op: 'Reshape', name: node.name, inputs: [x, whole], outputs: node.outputs },
    ];
  },
};

/** The graph whose pools and reshapes follow the size of the images. */
function adapted(graph: OnnxGraph): OnnxGraph {
  const editor = new GraphEditor<string>(withTypes(graph));
  applyRules(editor, [...constantNodes, wholeMaps, greyImages, sameMaps]);
  return editor.finish();
}

/** An input with other sizes behind the batch. */
function withSides(port: ValueInfoProto, sides: readonly number[]): ValueInfoProto {
  const changed = clone(ValueInfoProtoSchema, port);
  const dims = changed.type?.value.case === 'tensorType' ? (changed.type.value.value.shape?.dim ?? []) : [];
  for (const [i, side] of sides.entries()) dims[i + 1].value = { case: 'dimValue', value: BigInt(side) };
  return changed;
}

/**
 * A classifier's file for images of another size than it was exported for.
 * @throws NasError `invalid-input` where it reads all pixels of its last map, or is no classifier that can be trained
 */
export function resizedFile(bytes: Uint8Array, [height, width]: readonly [number, number], where: string): Uint8Array {
  const file = parseOnnx(bytes, where);
  const signature = onnxSignature(file, where);
  const { layout, size } = imageOf(signature, { where, ...(isOpen(signature) && { size: [height, width] }) });
  if (!isOpen(signature) && size[0] === height && size[1] === width) return bytes;
  if (signature.boxes !== undefined)
    throw invalidInput(`${where} is a detector, which takes images of the size that it was exported for`, {
      hint: 'Leave --size out.',
    });
  const read = readGraph(file);
  const changed = adapted(read);
  const [, , channels] = size;
  const sides = layout === 'NCHW' ? [channels, height, width] : [height, width, channels];
  const { source } = changed;
  if (source === undefined) throw new Error('internal: the graph has no file');
  const value = JSON.stringify([height, width, channels]);
  const metadataProps = source.metadataProps.map((entry) =>
    entry.key === 'input' ? create(StringStringEntryProtoSchema, { key: entry.key, value }) : entry,
  );
  const input = source.graph.input.map((port) => (port.name === read.inputs[0].name ? withSides(port, sides) : port));
  const resized = encodeRead({
    ...changed,
    source: { ...source, metadataProps, graph: { ...source.graph, input, valueInfo: [] } },
  });
  try {
    foreignNetwork(resized, { where, layout });
    return resized;
  } catch (cause) {
    // A file that is not read in its own size either is refused for this reason.
    foreignNetwork(bytes, { where, layout, ...(isOpen(signature) && { size: [height, width] }) });
    throw invalidInput(`${where} takes images of ${size[0]}x${size[1]} alone, not ${height}x${width}`, {
      cause,
      hint: 'Networks that are convolutional up to a pooling of the whole map take images of any size.',
    });
  }
}
