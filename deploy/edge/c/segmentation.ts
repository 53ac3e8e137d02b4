import { largestClasses } from '../../../base/class-map.js';
import type { EdgeProgram } from '../program.js';
import { innerEnds } from '../plan.js';
import { imageShape } from '../reference.js';
import { mapHeader, type MapCode } from './maps.js';
import { array, ownFile } from './text.js';

/** The class of each cell, and what C answers to images of the test. @param stride pixels for each cell */
export function segmentationCode(program: EdgeProgram, stride: number): MapCode {
  const [rows, columns, classes] = imageShape(program.tensors[innerEnds(program).outputs[0]]);
  const largest = (map: Int8Array): Uint8Array =>
    largestClasses({ rows, columns, classes, stride: 1, values: Float32Array.from(map) }, [rows, columns]);
  return {
    call: 'nas_segment',
    header: `${mapHeader(program, stride)}
/* Writes the class of each cell of the last nas_run(): the one with the largest logit, the first of equal ones. */
#define NAS_CELLS (NAS_ROWS * NAS_COLUMNS)
void nas_segment(uint8_t *classes);
`,
    source: ownFile('kernels/segment.c'),
    test: (maps) => `${array(
      'static const uint8_t nas_test_classes[NAS_TESTS * NAS_CELLS]',
      maps.flatMap(([map]) => [...largest(map)]),
    )}
/* The number of wrong classes of cells of a test image. */
static inline int nas_test_maps(int32_t test) {
  static uint8_t classes[NAS_CELLS];
  int wrong = 0;
  nas_segment(classes);
  for (int32_t i = 0; i < NAS_CELLS; i++) wrong += classes[i] != nas_test_classes[test * NAS_CELLS + i];
  return wrong;
}
`,
  };
}
