import type { DetectionFacts } from '../../metadata.js';
import type { EdgeProgram } from '../program.js';
import { detectBytes, detectionTables, PARTS_OF_PIXEL, type ByteBox, type DetectionTables } from '../detect.js';
import { mapHeader, type MapCode } from './maps.js';
import { array, ownFile } from './text.js';

/** Values of a box in C, in the order of its type. */
export const valuesOf = ({ x, y, width, height, label, score }: ByteBox): readonly number[] => [
  ...[x, y, width, height, label, score],
];

/** The functions of a detector in `model.h`. */
const functions = ({ most, boxes }: DetectionTables): string => `
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

const source = ({ least, scores, boxes, overlap }: DetectionTables): string => `
${array('static const int16_t nas_least[NAS_LABELS]', least)}${array('static const uint8_t nas_scores[256]', scores)}${
  boxes === null
    ? ''
    : `${array('static const int16_t nas_sides[256]', boxes.sides)}static const int32_t nas_step = ${boxes.factor}, nas_step_bits = ${boxes.bits};
static const uint32_t nas_most_shared = ${overlap};
`
}${ownFile('kernels/detect.c')}`;

/** The boxes of test images in `model_test.h`, and their comparison. Random images have few boxes above the thresholds: all count. */
function test(tables: DetectionTables, maps: readonly (readonly Int8Array[])[]): string {
  const all = { ...tables, least: tables.least.map(() => -128) };
  const found = maps.map((own) => detectBytes(all, own));
  const stored = maps.map((own) => detectBytes(tables, own).length);
  const values = found.flat().flatMap(valuesOf);
  return `${array('static const int32_t nas_test_stored[NAS_TESTS]', stored)}${array(
    'static const int32_t nas_test_counts[NAS_TESTS]',
    found.map(({ length }) => length),
  )}${array(`static const int16_t nas_test_boxes[${Math.max(1, values.length)}]`, values.length === 0 ? [0] : values)}
/* The number of wrong values of boxes in the maps of a test image. */
static inline int nas_test_maps(int32_t test) {
  static nas_box boxes[NAS_MOST];
  int16_t least[NAS_LABELS];
  for (int32_t label = 0; label < NAS_LABELS; label++) least[label] = -128;
  const int32_t count = nas_detect_from(boxes, NAS_MOST, least);
  int32_t before = 0;
  for (int32_t i = 0; i < test; i++) before += nas_test_counts[i];
  int wrong = count != nas_test_counts[test];
  for (int32_t i = 0; i < count && i < nas_test_counts[test]; i++) {
    const int16_t *right = nas_test_boxes + 6 * (before + i);
    const nas_box *box = &boxes[i];
    wrong += box->x != right[0] || box->y != right[1] || box->width != right[2] || box->height != right[3];
    wrong += box->label != right[4] || box->score != right[5];
  }
  /* With the stored thresholds. */
  wrong += nas_detect(boxes, NAS_MOST) != nas_test_stored[test];
  return wrong;
}
`;
}

/** `nas_detect`, and what it finds in images of the test. */
export function detectionCode(program: EdgeProgram, facts: DetectionFacts): MapCode {
  const tables = detectionTables(program, facts);
  return {
    call: 'nas_detect',
    header: mapHeader(program, facts.stride) + functions(tables),
    source: source(tables),
    test: (maps) => test(tables, maps),
  };
}
