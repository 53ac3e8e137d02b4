import { string, int, ints } from '../compiler/index.js';
import { OnnxWriter } from './onnx-writer.js';

/** The map of a segmenter, and the image of its network. */
export interface MaskMap {
  readonly stride: number;
  readonly height: number;
  readonly width: number;
}

/** The nodes that make `mask` [N, height, width] of a map of logits, as `largestClasses` does. @param map its name, with channels last */
export function maskOf({ stride, height, width }: MaskMap, map: string): OnnxWriter {
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
