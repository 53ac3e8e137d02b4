import type { EdgeProgram } from '../program.js';
import { innerEnds } from '../plan.js';
import { imageShape, quantizationOf } from '../reference.js';
import { float } from './text.js';

/** What the C of a network with maps has beside its layers. */
export interface MapCode {
  /** What a program calls after `nas_run()`. */
  readonly call: 'nas_detect' | 'nas_segment';
  /** Sizes and functions in `model.h`. */
  readonly header: string;
  /** Those functions, and their tables, in `model.c`. */
  readonly source: string;
  /**
   * `nas_test_maps(test)` of `model_test.h`: the number of wrong values after `nas_run()` of a test image.
   * @param maps of the reference for each image
   */
  readonly test: (maps: readonly (readonly Int8Array[])[]) => string;
}

/** What `model.h` says of the maps of a network. @param stride pixels of the image for each cell */
export function mapHeader(program: EdgeProgram, stride: number): string {
  const maps = innerEnds(program).outputs.map((id) => program.tensors[id]);
  const [[rows, columns, classes]] = maps.map(imageShape);
  const sizes = maps.map((map, i) => {
    const [name, depth] = i === 0 ? ['CLASSES', classes] : ['BOXES', imageShape(map)[2]];
    const { scales, zero } = quantizationOf(map);
    return `#define NAS_${name}_BYTES ${rows * columns * depth}
#define NAS_${name}_SCALE ${float(scales[0])}
#define NAS_${name}_ZERO (${zero})
`;
  });
  const hasBoxes = maps.length > 1;
  return `/*
 * The maps of nas_run(), in rows and columns of cells, each NAS_STRIDE pixels wide: logits of NAS_LABELS classes${
   hasBoxes
     ? `, and four numbers
 * of the box: dx, dy, log width, log height, in cells from the cell's centre`
     : ''
 }.
 */
#define NAS_ROWS ${rows}
#define NAS_COLUMNS ${columns}
#define NAS_STRIDE ${stride}
#define NAS_LABELS ${classes}
${sizes.join('')}#define NAS_OUTPUT_BYTES (NAS_CLASSES_BYTES${hasBoxes ? ' + NAS_BOXES_BYTES' : ''})

const int8_t *nas_classes(void);
${hasBoxes ? boxOutputs : classOutputs}`;
}

const boxOutputs = `const int8_t *nas_boxes(void);
static inline int8_t nas_output_byte(int32_t i) {
  return i < NAS_CLASSES_BYTES ? nas_classes()[i] : nas_boxes()[i - NAS_CLASSES_BYTES];
}
`;
const classOutputs = `static inline int8_t nas_output_byte(int32_t i) { return nas_classes()[i]; }
`;
