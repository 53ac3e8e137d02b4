import type { EdgeProgram } from '../program.js';
import { detectBytes, PARTS_OF_PIXEL, type ByteBox, type DetectionTables } from '../detect.js';
import { innerEnds } from '../plan.js';
import { imageShape, quantizationOf } from '../reference.js';
import { array, float, ownFile } from './text.js';

/** Values of a box in C, in the order of its type. */
export const valuesOf = ({ x, y, width, height, label, score }: ByteBox): readonly number[] => [
  ...[x, y, width, height, label, score],
];

/** What `model.h` says of the maps of a detector. */
export function detectionHeader(program: EdgeProgram, { rows, columns, classes, stride }: DetectionTables): string {
  const maps = innerEnds(program).outputs.map((id) => program.tensors[id]);
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
`;
}

const boxOutputs = `const int8_t *nas_boxes(void);
static inline int8_t nas_output_byte(int32_t i) {
  return i < NAS_CLASSES_BYTES ? nas_classes()[i] : nas_boxes()[i - NAS_CLASSES_BYTES];
}
`;
const centroidOutputs = `static inline int8_t nas_output_byte(int32_t i) { return nas_classes()[i]; }
`;

/** The functions of a detector in `model.h`. */
export const detectionFunctions = ({ most, boxes }: DetectionTables): string => `
const int8_t *nas_classes(void);
${boxes === null ? centroidOutputs : boxOutputs}
/* A found ${boxes === null ? 'middle of an object, which is the centre of its cell' : 'box'}: its centre and sides in
 * parts of a pixel of the input, the number of its class, and its score, of 255. */
#define NAS_PARTS_OF_PIXEL ${PARTS_OF_PIXEL}
typedef struct {
  int16_t x, y, width, height, label, score;
} nas_box;

/*
 * Finds boxes in the maps of the last nas_run(), the best first, and returns their number. The best \`most\` peaks of the classes become
 * boxes. A box is left out where a better one of its class overlaps it, or where its score is below the threshold
 * of its class. The model was evaluated with NAS_MOST; fewer take less memory and time.
 */
#define NAS_MOST ${most}
int32_t nas_detect(nas_box *boxes, int32_t most);
/* The same with other thresholds: the least byte of each class, where (byte - NAS_CLASSES_ZERO) * NAS_CLASSES_SCALE is a logit. */
int32_t nas_detect_from(nas_box *boxes, int32_t most, const int16_t *least);
`;

/** \`nas_detect\`, and its tables, in \`model.c\`. */
export const detectionSource = ({ least, scores, boxes, overlap }: DetectionTables): string => `
${array('static const int16_t nas_least[NAS_LABELS]', least)}${array('static const uint8_t nas_scores[256]', scores)}${
  boxes === null
    ? ''
    : `${array('static const int16_t nas_sides[256]', boxes.sides)}static const int32_t nas_step = ${boxes.factor}, nas_step_bits = ${boxes.bits};
static const uint32_t nas_most_shared = ${overlap};
`
}${ownFile('kernels/detect.c')}`;

/** The boxes of test images in `model_test.h`, and their comparison. Random images have few boxes above the thresholds: all count. */
export function detectionTest(tables: DetectionTables, maps: readonly (readonly Int8Array[])[]): string {
  const all = { ...tables, least: tables.least.map(() => -128) };
  const found = maps.map((own) => detectBytes(all, own));
  const stored = maps.map((own) => detectBytes(tables, own).length);
  const values = found.flat().flatMap(valuesOf);
  return `${array('static const int32_t nas_test_stored[NAS_TESTS]', stored)}${array(
    'static const int32_t nas_test_counts[NAS_TESTS]',
    found.map(({ length }) => length),
  )}${array(`static const int16_t nas_test_boxes[${Math.max(1, values.length)}]`, values.length === 0 ? [0] : values)}
/* The number of wrong values of boxes in the maps of a test image; \`from\` counts the boxes of the images before. */
static inline int nas_test_detect(int32_t test, int32_t *from) {
  static nas_box boxes[NAS_MOST];
  int16_t least[NAS_LABELS];
  for (int32_t label = 0; label < NAS_LABELS; label++) least[label] = -128;
  const int32_t count = nas_detect_from(boxes, NAS_MOST, least);
  int wrong = count != nas_test_counts[test];
  for (int32_t i = 0; i < count && i < nas_test_counts[test]; i++) {
    const int16_t *right = nas_test_boxes + 6 * (*from + i);
    const nas_box *box = &boxes[i];
    wrong += box->x != right[0] || box->y != right[1] || box->width != right[2] || box->height != right[3];
    wrong += box->label != right[4] || box->score != right[5];
  }
  *from += nas_test_counts[test];
  /* With the stored thresholds. */
  wrong += nas_detect(boxes, NAS_MOST) != nas_test_stored[test];
  return wrong;
}
`;
}
