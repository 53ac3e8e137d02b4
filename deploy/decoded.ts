import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, ValueInfoProtoSchema } from 'onnx-buf';
import { boxValues, headNames, sizeRange } from '../base/detections.js';
import { invalidInput } from '../base/errors.js';
import type { BoxTask } from '../base/task.js';
import { contentInit, int, ints, parseOnnx, portInit, string, type OnnxFile } from '../compiler/index.js';
import { metadataIn, type DetectionFacts } from './metadata.js';
import { OnnxWriter } from './onnx-writer.js';

/** Below all logits: the score of what is no answer. */
const lowest = -3.4e38;
/** Between `lowest` and all logits. */
const leastLogit = -1e38;

/** The maps of a detector: their sizes, and how they become boxes. */
interface Maps extends DetectionFacts {
  readonly task: BoxTask;
  readonly classes: number;
  readonly rows: number;
  readonly columns: number;
}

/**
 * A file with the decoding inside, for runtimes with all operators of ONNX. Of a segmenter: `mask` [N, height, width], uint8, the class
 * of each pixel of the input. Of a detector (`decode` of `base/detections.ts`): `boxes` [N, k, 4], left, top, right, bottom in pixels of the
 * input, or `centroids` [N, k, 2], x and y; `scores` [N, k], the best first; `labels` [N, k], numbers of classes. After the last one, scores
 * and boxes are 0, and labels -1. Boxes under the thresholds of the metadata are left out.
 * @throws NasError `invalid-input` for a file of nas that is neither
 */
export function withDecoding(model: Uint8Array, where: string): Uint8Array {
  const file = parseOnnx(model, where);
  const { graph } = file;
  const { segmentation, input } = metadataIn(file, where);
  if (segmentation !== undefined && input !== undefined) {
    const [height, width] = input;
    return decodedBy(maskOf(segmentation.stride, input, graph.output[0].name), file, [
      portInit('mask', 'uint8', ['N', height, width]),
    ]);
  }
  const maps = mapsOf(file, where);
  // The decoded boxes take the name of the raw ones.
  const rename = (name: string): string => (name === 'boxes' ? `${name}/map` : name);
  for (const node of graph.node) {
    node.input = node.input.map(rename);
    node.output = node.output.map(rename);
  }
  const most = Math.min(maps.most, maps.rows * maps.columns * maps.classes);
  const places = maps.task === 'detection' ? (['boxes', boxValues.detection] as const) : (['centroids', 2] as const);
  return decodedBy(decoding(maps, most), file, [
    portInit(places[0], 'float32', ['N', most, places[1]]),
    portInit('scores', 'float32', ['N', most]),
    portInit('labels', 'int64', ['N', most]),
  ]);
}

/** The file with these nodes after its own, and other outputs. */
function decodedBy(
  { nodes, constants }: OnnxWriter,
  file: OnnxFile,
  outputs: readonly ReturnType<typeof portInit>[],
): Uint8Array {
  const { graph } = file;
  const content = contentInit({ nodes, constants });
  graph.node.push(...content.node);
  graph.initializer.push(...content.initializer);
  graph.output = outputs.map((port) => create(ValueInfoProtoSchema, port));
  return toBinary(ModelProtoSchema, file);
}

/** The nodes that make `mask` [N, height, width] of a map of logits, as `largestClasses` does. @param map its name, with channels last */
function maskOf(stride: number, [height, width]: readonly number[], map: string): OnnxWriter {
  const to = new OnnxWriter('decoded');
  const logits = to.add('Transpose', [map], { perm: ints([0, 3, 1, 2]) });
  const scales = to.floats([1, 1, stride, stride], [4]);
  const linear = { mode: string('linear'), coordinate_transformation_mode: string('half_pixel') };
  const pixels = to.add('Resize', [logits, '', scales], linear);
  const bounds = [
    [0, 0],
    [height, width],
    [2, 3],
  ].map((values) => to.integers(values));
  const inside = to.add('Slice', [pixels, ...bounds]);
  const largest = to.add('ArgMax', [inside], { axis: int(1), keepdims: int(0) });
  to.add('Cast', [largest], { to: int(2) }, 'mask');
  return to;
}

function mapsOf(file: OnnxFile, where: string): Maps {
  const { detection, classes, input, task } = metadataIn(file, where);
  const kind = task?.type === 'centroids' ? task.type : 'detection';
  const outputs = file.graph.output.map(({ name }) => name).join();
  if (detection === undefined || classes === undefined || input === undefined || outputs !== headNames[kind].join())
    throw invalidInput(
      `${where} is neither a segmenter of nas nor a detector with the outputs classes and boxes (of centroids, classes), so there is nothing to decode`,
      { hint: 'Leave --decoded out, or give a network of a run on images with boxes or masks.' },
    );
  const { thresholds, stride } = detection;
  if (thresholds !== undefined && thresholds.length !== classes.length)
    throw invalidInput(`${where} is damaged: it has ${thresholds.length} thresholds for ${classes.length} classes`, {
      hint: 'Export the network again.',
    });
  const [rows, columns] = [Math.ceil(input[0] / stride), Math.ceil(input[1] / stride)];
  return { ...detection, task: kind, classes: classes.length, rows, columns };
}

/** The nodes that make boxes or centroids of the maps. */
function decoding(maps: Maps, most: number): OnnxWriter {
  const to = new OnnxWriter('decoded');
  const { task, classes, overlap } = maps;
  const limit = to.integers([most]);
  const largest = { axis: int(1), largest: int(1), sorted: int(1) };
  // Of equal logits TopK takes the first: the earlier cell, then the earlier class.
  const [logits, places] = to.pair('TopK', [peaks(to, maps), limit], largest);
  const count = to.integers([classes]);
  const cells = to.add('Div', [places, count]);
  const labels = to.add('Sub', [places, to.add('Mul', [cells, count])]);
  /** Scores, labels and places, with zeros and -1 after the last one. */
  const found = (best: string, label: string, placed: string, name: string): OnnxWriter => {
    const isFound = to.add('Greater', [best, to.floats([leastLogit])]);
    to.add('Sigmoid', [best], {}, 'scores');
    to.add('Where', [isFound, label, to.integers([-1])], {}, 'labels');
    to.add('Where', [to.add('Unsqueeze', [isFound, to.integers([2])]), placed, to.floats([0])], {}, name);
    return to;
  };
  // Two cells of a class do not overlap.
  if (task === 'centroids')
    return found(logits, labels, to.add('Mul', [middlesOf(to, maps, cells), to.floats([maps.stride])]), 'centroids');
  const boxes = boxesOf(to, maps, cells);
  // A box competes with boxes of its class alone.
  const ownClass = to.add('Equal', [
    to.add('Unsqueeze', [labels, to.integers([1])]),
    to.integers([...Array(classes).keys()], [1, classes, 1]),
  ]);
  const none = to.floats([lowest]);
  const byClass = to.add('Where', [ownClass, to.add('Unsqueeze', [logits, to.integers([1])]), none]);
  const selected = to.add('NonMaxSuppression', [
    boxes,
    byClass,
    limit,
    to.floats([overlap], [1]),
    to.floats([leastLogit], [1]),
  ]);
  // [image, class, box] → [image, box].
  const slots = to.add('Slice', [selected, ...[0, 3, 1, 2].map((value) => to.integers([value]))]);
  const filled = (value: number, shape: string): string =>
    to.add('ConstantOfShape', [shape], {
      value: { kind: 'tensor', value: { dtype: 'float32', shape: [1], data: Float32Array.of(value) } },
    });
  const ones = filled(1, to.add('Shape', [slots], { end: int(1) }));
  const isKept = to.add('ScatterND', [filled(0, to.add('Shape', [logits])), slots, ones]);
  const kept = to.add('Where', [to.add('Greater', [isKept, to.floats([0])]), logits, none]);
  const [best, order] = to.pair('TopK', [kept, limit], largest);
  const last = to.integers([2]);
  const placed = to.add('GatherND', [boxes, to.add('Unsqueeze', [order, last])], { batch_dims: int(1) });
  return found(best, to.add('GatherElements', [labels, order], { axis: int(1) }), placed, 'boxes');
}

/**
 * The logits [N, cells x classes], `lowest` where they are under the threshold of their class or no peak: larger than the neighbours
 * before, and at least as large as the ones after.
 */
function peaks(to: OnnxWriter, { classes, rows, columns, thresholds }: Maps): string {
  const images = to.add('Transpose', ['classes'], { perm: ints([0, 3, 1, 2]) });
  const around = to.add('MaxPool', [images], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
  const across = to.add('MaxPool', [images], { kernel_shape: ints([1, 3]), pads: ints([0, 1, 0, 1]) });
  /** The values one row or column before. */
  const before = (name: string, axis: 2 | 3): string => {
    const pads = Array.from({ length: 8 }, (_, i) => Number(i === axis));
    const padded = to.add('Pad', [name, to.integers(pads), to.floats([lowest])]);
    const end = axis === 2 ? rows : columns;
    return to.add('Slice', [padded, to.integers([0]), to.integers([end]), to.integers([axis])]);
  };
  const earlier = to.add('Max', [before(across, 2), before(images, 3)]);
  const isFirst = to.add('And', [to.add('Equal', [images, around]), to.add('Less', [earlier, images])]);
  const limits = (thresholds ?? Array<number>(classes).fill(0)).map((share) =>
    share <= 0 ? lowest : share >= 1 ? -lowest : Math.log(share / (1 - share)),
  );
  const isAbove = to.add('GreaterOrEqual', [images, to.floats(limits, [1, classes, 1, 1])]);
  const kept = to.add('Where', [to.add('And', [isFirst, isAbove]), images, to.floats([lowest])]);
  const cells = to.add('Transpose', [kept], { perm: ints([0, 2, 3, 1]) });
  return to.add('Reshape', [cells, to.integers([0, -1])]);
}

/** The middles [N, k, 2] of some cells [N, k]: x and y in cells. */
function middlesOf(to: OnnxWriter, { columns }: Maps, cells: string): string {
  const [last, width] = [to.integers([2]), to.integers([columns])];
  const row = to.add('Div', [cells, width]);
  const column = to.add('Sub', [cells, to.add('Mul', [row, width])]);
  const at = to.add('Concat', [to.add('Unsqueeze', [column, last]), to.add('Unsqueeze', [row, last])], {
    axis: int(2),
  });
  return to.add('Add', [to.add('Cast', [at], { to: int(1) }), to.floats([0.5])]);
}

/** The boxes [N, k, 4] of some cells [N, k]: left, top, right, bottom in pixels. */
function boxesOf(to: OnnxWriter, maps: Maps, cells: string): string {
  const { stride } = maps;
  const all = to.add('Reshape', ['boxes/map', to.integers([0, -1, boxValues.detection])]);
  const last = to.integers([2]);
  const found = to.add('GatherND', [all, to.add('Unsqueeze', [cells, last])], { batch_dims: int(1) });
  const [two, four] = [to.integers([2]), to.integers([4])];
  const offsets = to.add('Slice', [found, to.integers([0]), two, last]);
  const logs = to.add('Slice', [found, two, four, last]);
  const [low, high] = sizeRange;
  const sides = to.add('Exp', [to.add('Clip', [logs, to.floats([low]), to.floats([high])])]);
  const halves = to.add('Mul', [sides, to.floats([stride / 2])]);
  const middle = to.add('Mul', [to.add('Add', [middlesOf(to, maps, cells), offsets]), to.floats([stride])]);
  return to.add('Concat', [to.add('Sub', [middle, halves]), to.add('Add', [middle, halves])], { axis: int(2) });
}
