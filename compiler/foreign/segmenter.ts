import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, StringStringEntryProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { Tensor } from 'onnxruntime-node';
import { invalidInput, messageOf } from '../../base/errors.js';
import { product } from '../../base/statistics.js';
import { int, ints, type Attributes, type Constant, type OnnxNode } from '../graph/index.js';
import { parseOnnx, type OnnxFile } from '../onnx/file.js';
import { contentInit, portInit } from '../onnx/model.js';
import { imageShape, type ImageData, type ImageLayout } from '../runtime/classifier/inputs-outputs.js';
import { onnxSignature } from '../runtime/classifier/signature.js';
import { withSession } from '../runtime/session.js';
import { imageOf, isOpen } from './read.js';

/** Pixels for each cell of a map. */
export const mapStrides = [1, 2, 4, 8, 16, 32] as const;

/** A value of the graph that is a map of the classes. */
interface ClassesMap {
  readonly name: string;
  readonly layout: ImageLayout;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly stride: number;
}

/** The map in a value; null where its sides are not those of the image divided by a stride. If both layouts fit, the input's is taken. */
function mapOf(
  name: string,
  [, ...sides]: readonly number[],
  [height, width]: readonly number[],
  own: ImageLayout,
): ClassesMap | null {
  for (const layout of own === 'NCHW' ? (['NCHW', 'NHWC'] as const) : (['NHWC', 'NCHW'] as const)) {
    const [rows, columns, depth] = layout === 'NHWC' ? sides : [sides[1], sides[2], sides[0]];
    const stride = mapStrides.find((one) => Math.ceil(height / one) === rows && Math.ceil(width / one) === columns);
    if (stride !== undefined) return { name, layout, rows, columns, depth, stride };
  }
  return null;
}

/** The value that a bilinear upsampling between the centres of cells reads, where it computes the output. */
function upsampled({ graph }: OnnxFile): string | null {
  const producers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node] as const)));
  let node = producers.get(graph.output[0].name);
  while (node?.opType === 'Identity' || node?.opType === 'Transpose') node = producers.get(node.input[0]);
  if (node?.opType !== 'Resize') return null;
  const texts = new Map(node.attribute.map(({ name, s }) => [name, Buffer.from(s).toString()]));
  const isBilinear =
    texts.get('mode') === 'linear' &&
    /^(pytorch_)?half_pixel$/.test(texts.get('coordinate_transformation_mode') ?? 'half_pixel');
  return isBilinear ? node.input[0] : null;
}

/** Runs the file on images of zeros. @returns the shapes of these values */
async function sizesOf(
  file: OnnxFile,
  names: readonly string[],
  shape: readonly number[],
  where: string,
): Promise<(readonly number[])[]> {
  const output = names.map((name) => create(ValueInfoProtoSchema, portInit(name, 'float32', null)));
  const asked = { ...file, graph: { ...file.graph, output, valueInfo: [] } };
  try {
    return await withSession(toBinary(ModelProtoSchema, asked), {}, async (session) => {
      const images = new Tensor('float32', new Float32Array(product(shape)), shape);
      const found = await session.run({ [session.inputNames[0]]: images });
      return names.map((name) => found[name].dims);
    });
  } catch (cause) {
    throw invalidInput(`${where} fails on an image of [${shape.join(', ')}]: ${messageOf(cause)}`, { cause });
  }
}

/** Keeps the logarithm of a share finite. */
const leastShare = 1e-12;

/** The nodes that make logits [N, rows, columns, classes] of a map; without names, which may be taken. */
function logitsOf(map: ClassesMap, isShare: boolean, stride: number) {
  const nodes: OnnxNode[] = [];
  const constants = new Map<string, Constant>();
  const constant = (name: string, number: number): string => {
    constants.set(name, { dtype: 'float32', shape: [], data: Float32Array.of(number) });
    return name;
  };
  let value = map.name;
  const add = (op: string, inputs: readonly string[] = [value], attributes: Attributes = {}): string => {
    value = `classes/value${nodes.length}`;
    nodes.push({ op, inputs, outputs: [value], attributes, origin: '', name: '' });
    return value;
  };
  if (map.layout === 'NHWC') add('Transpose', [value], { perm: ints([0, 3, 1, 2]) });
  if (map.depth === 1) {
    // Of background and foreground.
    const share = isShare ? value : add('Sigmoid');
    add('Concat', [add('Sub', [constant('classes/one', 1), share]), share], { axis: int(1) });
  }
  if (map.depth === 1 || isShare) add('Log', [add('Max', [value, constant('classes/least', leastShare)])]);
  const cells = ints([stride / map.stride, stride / map.stride]);
  if (stride > map.stride) add('AveragePool', [value], { kernel_shape: cells, strides: cells, ceil_mode: int(1) });
  add('Transpose', [value], { perm: ints([0, 2, 3, 1]) });
  nodes.push({ op: 'Identity', inputs: [value], outputs: ['classes'], attributes: {}, origin: '', name: '' });
  return { nodes, constants };
}

/**
 * A segmenter of another program as one of ours: its map as logits in `classes` [N, rows, columns, classes], with the pixels of a cell
 * in the metadata. Where the file ends in a bilinear upsampling, its map is the one before: readers upsample it in the same way. Files
 * that say their task, and files for other data or without a map, stay as they are.
 * @param data whose images have the size, where the file leaves it open
 * @param options `layout` of the input; `least` pixels of a cell: finer maps are averaged
 * @throws NasError `invalid-input` for a map that has other proportions than the images
 */
export async function segmenterFile(
  bytes: Uint8Array,
  where: string,
  data: ImageData,
  { layout: given, least = 1 }: { readonly layout?: ImageLayout | undefined; readonly least?: number } = {},
): Promise<Uint8Array> {
  if (data.task.type !== 'segmentation') return bytes;
  const file = parseOnnx(bytes, where);
  const signature = onnxSignature(file, where);
  const { input, output, facts, end } = signature;
  if (facts.task !== undefined || output.shape.length !== 4) return bytes;
  const own = isOpen(signature) && facts.input === undefined ? ([data.height, data.width] as const) : undefined;
  const { layout, size } = imageOf(signature, { where, layout: given, size: own });
  const [height, width, channels] = size;
  const [batch] = input.shape;
  const isShare = end === 'softmax' || end === 'sigmoid';
  const coarse = isShare ? null : upsampled(file);
  const names = [output.name, ...(coarse === null ? [] : [coarse])];
  const shape = [typeof batch === 'number' ? batch : 1, ...imageShape[layout]({ height, width, channels })];
  const sizes = await sizesOf(file, names, shape, where);
  const [whole, before] = names.map((name, i) => mapOf(name, sizes[i], size, layout));
  if (whole === null)
    throw invalidInput(
      `${where} gives a map [${sizes[0].join(', ')}] for images of ${height} x ${width}, which has no cells of ${mapStrides.join(', ')} pixels`,
      {
        hint: 'Supported are logits or probabilities [batch, classes, rows, columns] or [batch, rows, columns, classes].',
      },
    );
  const isExact = before && whole.stride === 1 && height % before.stride === 0 && width % before.stride === 0;
  const map = isExact && before.depth === whole.depth ? before : whole;
  const stride = Math.max(map.stride, least);
  const rename = (name: string): string => (name === 'classes' ? 'classes/map' : name);
  for (const node of file.graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  const content = contentInit(logitsOf({ ...map, name: rename(map.name) }, isShare, stride));
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / stride));
  const port = portInit('classes', 'float32', [batch, rows, columns, map.depth === 1 ? 2 : map.depth]);
  const said = { task: { type: 'segmentation' }, segmentation: { stride }, input: size };
  const added = [
    ...Object.entries(said).map(([key, value]) => ({ key, value: JSON.stringify(value) })),
    { key: 'layout', value: layout },
  ].map((entry) => create(StringStringEntryProtoSchema, entry));
  const keys = new Set(added.map(({ key }) => key));
  file.graph.node.push(...content.node);
  file.graph.initializer.push(...content.initializer);
  file.graph.output = [create(ValueInfoProtoSchema, port)];
  file.metadataProps = [...file.metadataProps.filter(({ key }) => !keys.has(key)), ...added];
  return toBinary(ModelProtoSchema, file);
}
