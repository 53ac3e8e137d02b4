import { join } from 'node:path';
import { writeFileAtomic } from '../../../base/files.js';
import { Random } from '../../../base/random.js';
import { innerEnds } from '../plan.js';
import { numbersIn, type EdgeProgram } from '../program.js';
import { benchHeader, benchId, inARow, referenceOutputs } from './bench.js';
import { checkPrefix, usualPrefix, withPrefix } from './prefix.js';
import { cSources, mapCodeOf, type ModelFacts, type SourceOptions } from './source.js';
import { array, ownFile } from './text.js';

export type { ModelFacts, SourceOptions } from './source.js';

/** Files that are the same for each model. */
const skeleton = [
  'CMakeLists.txt',
  'library.properties',
  'zephyr/module.yml',
  'examples/host/main.c',
  'examples/SelfTest/SelfTest.ino',
  'examples/Benchmark/Benchmark.ino',
  'examples/qemu/main.c',
  'examples/qemu/board.ld',
] as const;

/** Random images of the self-test. */
const TESTS = 3;

/** `model_test.h`: images, and what the integer reference answers. */
function testHeader(
  program: EdgeProgram,
  images: readonly Int8Array[],
  facts: ModelFacts,
  options: SourceOptions = {},
): string {
  const outputs = referenceOutputs(program, images, options.rounding);
  const maps = mapCodeOf(program, facts);
  return `/* Images, and the bytes that the model has to answer: all of them, on every machine. */
#include "model.h"

#define NAS_TESTS ${images.length}
${array(
  'static const int8_t nas_test_inputs[NAS_TESTS * NAS_INPUT_BYTES]',
  images.flatMap((image) => Array.from(image)),
)}
${array('static const int8_t nas_test_outputs[NAS_TESTS * NAS_OUTPUT_BYTES]', inARow(outputs))}${
    maps?.test(outputs) ?? ''
  }
/* The number of wrong output bytes${maps === undefined ? '' : `, and of wrong values of ${maps.call}()`}. */
static inline int nas_self_test(void) {
  int wrong = 0;
  for (int32_t test = 0; test < NAS_TESTS; test++) {
    int8_t *input = nas_input();
    for (int32_t i = 0; i < NAS_INPUT_BYTES; i++) input[i] = nas_test_inputs[test * NAS_INPUT_BYTES + i];
    nas_run();
    for (int32_t i = 0; i < NAS_OUTPUT_BYTES; i++)
      wrong += nas_output_byte(i) != nas_test_outputs[test * NAS_OUTPUT_BYTES + i];
${maps === undefined ? '' : '    wrong += nas_test_maps(test);\n'}  }
  return wrong;
}
`;
}

/** Random bytes, as images of a self-test. */
export function testImages(program: EdgeProgram, count = TESTS): Int8Array[] {
  const random = new Random(0, 'self-test');
  const length = numbersIn(program.tensors[innerEnds(program).input]);
  return Array.from({ length: count }, () => Int8Array.from({ length }, () => random.int(256) - 128));
}

/**
 * Writes an int8 program in plain C: `model.h` and `model.c`, which need no other file and no library, a self-test
 * (`model_test.h`), a benchmark (`model_bench.h`), and what CMake, Arduino, ESP-IDF and Zephyr need to build them.
 * @param options tests: false leaves the self-test out, which takes longest; prefix: of names and files, by default `nas`
 * @returns the name of the program in the lines of its benchmark
 * @throws NasError where the program computes in floating point
 */
export function writeC(
  directory: string,
  program: EdgeProgram,
  facts: ModelFacts,
  {
    tests = true,
    prefix = usualPrefix,
    ...options
  }: SourceOptions & { readonly tests?: boolean; readonly prefix?: string } = {},
): string {
  checkPrefix(prefix);
  const sources = cSources(program, facts, options);
  const files = {
    ...sources,
    'model_bench.h': benchHeader(program, sources['model.c'], options.rounding),
    ...(tests && { 'model_test.h': testHeader(program, testImages(program), facts, options) }),
    ...Object.fromEntries(skeleton.map((name) => [name, ownFile(`skeleton/${name}`)])),
  };
  for (const [name, text] of Object.entries(files))
    writeFileAtomic(join(directory, withPrefix(name, prefix)), withPrefix(text, prefix));
  return benchId(sources['model.c']);
}
