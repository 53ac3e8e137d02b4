import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { contentInit, int, ints, parseOnnx, portInit, type Attributes } from '../../compiler/index.js';
import { string } from '../../compiler/graph/index.js';
import type { PixelScale } from '../../base/preprocess.js';
import { OnnxWriter } from '../../deploy/onnx-writer.js';

/** The last layers of a file of another program; `upsample` is by the stride, between the centres of cells or of the corners. */
export type ForeignEnd = 'channels first' | 'upsample' | 'corners' | 'softmax' | 'second' | 'sigmoid' | 'classes';

/** The nodes of each end. @param map [N, classes, rows, columns] or, of `softmax`, [N, rows, columns, classes] */
const steps: Readonly<Record<ForeignEnd, (to: OnnxWriter, map: string, stride: number) => string>> = {
  'channels first': (to, map) => to.add('Transpose', [map], { perm: ints([0, 3, 1, 2]) }),
  upsample: (to, map, stride) => resized(to, map, stride, 'half_pixel'),
  corners: (to, map, stride) => resized(to, map, stride, 'align_corners'),
  softmax: (to, map) => to.add('Softmax', [map], { axis: int(3) }),
  second: (to, map) => {
    const [first, second] = [0, 1].map((at) => to.add('Gather', [map, to.integers([at])], { axis: int(1) }));
    return to.add('Sub', [second, first]);
  },
  sigmoid: (to, map) => to.add('Sigmoid', [map]),
  classes: (to, map) => to.add('ArgMax', [map], { axis: int(1) }),
};

function resized(to: OnnxWriter, map: string, stride: number, where: string): string {
  const attributes: Attributes = { mode: string('linear'), coordinate_transformation_mode: string(where) };
  return to.add('Resize', [map, '', to.floats([1, 1, stride, stride], [4])], attributes);
}

/**
 * The file of a segmenter as another program writes it: without metadata, and with these last layers.
 * @param scale of the data: the file normalises images in [0, 1] itself
 */
export function foreignSegmenter(model: Uint8Array, ends: readonly ForeignEnd[], scale?: PixelScale): Uint8Array {
  const file = parseOnnx(model);
  const to = new OnnxWriter('foreign');
  let map: string = file.graph.output[0].name;
  for (const end of ends) map = steps[end](to, map, 4);
  if (scale !== undefined) {
    const first = new OnnxWriter('scaled');
    const images = file.graph.input[0].name;
    const centred = first.add('Sub', [images, first.floats(scale.mean, [scale.mean.length])]);
    const normalised = first.add('Div', [centred, first.floats(scale.std, [scale.std.length])]);
    for (const node of file.graph.node) node.input = node.input.map((name) => (name === images ? normalised : name));
    const { node, initializer } = contentInit(first);
    file.graph.node.unshift(...node);
    file.graph.initializer.push(...initializer);
  }
  const { node, initializer } = contentInit(to);
  file.graph.node.push(...node);
  file.graph.initializer.push(...initializer);
  const type = ends.at(-1) === 'classes' ? 'int64' : 'float32';
  file.graph.output = [create(ValueInfoProtoSchema, portInit(map, type, ['N', 'a', 'b', 'c']))];
  file.metadataProps = [];
  return toBinary(ModelProtoSchema, file);
}
