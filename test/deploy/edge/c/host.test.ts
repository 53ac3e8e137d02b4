import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { testImages, writeC } from '../../../../deploy/edge/c/index.js';
import { cSources } from '../../../../deploy/edge/c/source.js';
import type { EdgeProgram } from '../../../../deploy/edge/program.js';
import { runReference } from '../../../../deploy/edge/reference.js';
import { edgeSizes } from '../../../../deploy/edge/sizes.js';
import { sharedFolder } from '../../../support/temporary.js';
import { detectorProgram, mobileNetV2, Programs, randomProgram, segmenterProgram } from '../support/programs.js';
import { describeWith, runOnHost } from './support/compilers.js';

const shared = sharedFolder();
const folder = (name: string): string => {
  const path = join(shared, name);
  mkdirSync(path, { recursive: true });
  return path;
};

describeWith(['gcc'], 'models in C on this machine', () => {
  test('answer as the integer reference, and a broken kernel does not', () => {
    const directory = folder('model');
    writeC(directory, randomProgram(11), { title: 'Random' });
    expect(runOnHost('gcc', directory)).toBe('3 test images, 0 wrong outputs of 30\n');
    const source = readFileSync(join(directory, 'model.c'), 'utf8');
    const broken = source.replace('c += q * v;', 'c += q * v + 1;');
    expect(broken).not.toBe(source);
    writeFileSync(join(directory, 'model.c'), broken);
    expect(runOnHost('gcc', directory)).not.toContain(' 0 wrong');
  });

  test('a kernel is replaced by a macro', () => {
    const directory = folder('replaced');
    const p = new Programs(1);
    const input = p.image(2, 2, 2);
    writeC(directory, p.program(input, p.reshape(p.mean(input))), { title: 'Mean' });
    const main = join(directory, 'examples/host/main.c');
    const mine =
      '#include "../../model.h"\nvoid my_mean(const nas_layer *layer);\nvoid my_mean(const nas_layer *layer) { layer->y[0] = 99; layer->y[1] = 99; }\n';
    writeFileSync(main, mine + readFileSync(main, 'utf8'));
    expect(runOnHost('gcc', directory, ['-O1', '-DNAS_MEAN=my_mean'])).toBe('3 test images, 6 wrong outputs of 6\n');
  });
});

for (const compiler of ['gcc', 'clang'])
  describeWith([compiler], `two models in one program, by ${compiler}`, () => {
    test('pass both self-tests', () => {
      const directory = folder(`two-${compiler}`);
      const classes = Array.from({ length: 10 }, (_, n) => `nas_${n}`);
      for (const [prefix, seed] of [
        ['face', 11],
        ['word_2', 5],
      ] as const)
        writeC(
          join(directory, prefix),
          randomProgram(seed),
          { title: prefix, classes },
          { prefix, rounding: seed === 5 ? 'tflm' : 'exact' },
        );
      const main = `#include <stdio.h>
#include "face/face_model_test.h"
#include "word_2/word_2_model_test.h"
#include "face/face_model_bench.h"
#include "word_2/word_2_model_bench.h"
static const char *const names[] = FACE_NAMES;
int main(void) {
  printf("%d %d %s", face_self_test(), word_2_self_test(), names[9]);
  return 0;
}
`;
      writeFileSync(join(directory, 'main.c'), main);
      const models = ['face/face_model.c', 'word_2/word_2_model.c'];
      expect(
        runOnHost(
          compiler,
          directory,
          ['-O1', '-Wno-unused-function', '-Wno-unused-const-variable'],
          ['main.c', ...models],
        ),
      ).toBe('0 0 nas_9');
      expect(runOnHost(compiler, join(directory, 'face'), ['-O1'], ['examples/host/main.c', 'face_model.c'])).toContain(
        ' 0 wrong',
      );
    });
  });

test('a prefix is a name in C', () => {
  expect(() => writeC(shared, randomProgram(5), { title: '' }, { prefix: '2nd' })).toThrow('--prefix 2nd');
});

describeWith(['gcc'], 'a detector in C on this machine', () => {
  const facts = { title: 'Random', detection: { stride: 4, most: 40, overlap: 0.5, thresholds: [0.1, 0.2] } };
  const right = (directory: string) => runOnHost('gcc', directory, ['-O0', '-fsanitize=undefined,address']);

  test('finds the boxes of the integer reference, whatever the thresholds and the number of peaks', () => {
    let boxes = 0;
    for (const [seed, most, overlap] of [
      [1, 40, 0.5],
      [2, 1, 0.6],
      [3, 150, 0.05],
    ]) {
      const directory = folder(`detector-${seed}`);
      const own = { ...facts, detection: { ...facts.detection, most, overlap } };
      writeC(directory, seed === 1 ? coarse(detectorProgram(1)) : detectorProgram(seed), own);
      expect(right(directory)).toMatch(/^3 test images, 0 wrong outputs of \d+\n$/);
      const counts =
        /nas_test_counts.*\n +(.*)\n/.exec(readFileSync(join(directory, 'model_test.h'), 'utf8'))?.[1] ?? '';
      boxes += counts.split(',').reduce((sum, count) => sum + Number(count), 0);
    }
    expect(boxes).toBeGreaterThan(20);
  });

  test('finds the centroids of the integer reference, without the code and the tables of boxes', () => {
    const directory = folder('centroids');
    writeC(directory, detectorProgram(2, 2, true), facts);
    expect(right(directory)).toMatch(/^3 test images, 0 wrong outputs of \d+\n$/);
    const [source, header] = ['model.c', 'model.h'].map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(source).not.toMatch(/nas_sides\[256\]|nas_most_shared = /);
    expect(header).not.toContain('NAS_BOXES_BYTES');
    const broken = source.replace('boxes[at - 1].score < *own', 'boxes[at - 1].score > *own');
    writeFileSync(join(directory, 'model.c'), broken);
    expect(runOnHost('gcc', directory, ['-O0'])).toMatch(/, [1-9]\d* wrong outputs/);
  });

  test('gives the class of each cell as the integer reference, the first of equal ones', () => {
    const directory = folder('segmenter');
    writeC(directory, coarse(segmenterProgram(2)), { title: 'Random' });
    expect(right(directory)).toMatch(/^3 test images, 0 wrong outputs of \d+\n$/);
    const [source, header] = ['model.c', 'model.h'].map((name) => readFileSync(join(directory, name), 'utf8'));
    expect(source).not.toMatch(/nas_least|nas_detect|malloc|float/);
    expect(header).toContain('Call nas_segment().');
    writeFileSync(join(directory, 'model.c'), source.replace('own[label] > own[best]', 'own[label] >= own[best]'));
    expect(runOnHost('gcc', directory, ['-O0'])).toMatch(/, [1-9]\d* wrong outputs/);
  });

  test.each([
    ['other >= *own : other', 'other > *own : other'],
    ['nas_sides[from[2] + 128]', 'nas_sides[from[3] + 128]'],
  ])('does not without: %s', (from, to) => {
    const directory = folder(`broken-${from.length}`);
    writeC(directory, coarse(detectorProgram(1)), { ...facts, detection: { ...facts.detection, overlap: 0.05 } });
    const source = readFileSync(join(directory, 'model.c'), 'utf8');
    expect(source).toContain(from);
    writeFileSync(join(directory, 'model.c'), source.replace(from, to));
    expect(runOnHost('gcc', directory, ['-O0'])).toMatch(/, [1-9]\d* wrong outputs/);
  });
});

/** The same detector with logits of few steps, which are often equal in neighbouring cells. */
function coarse(program: EdgeProgram): EdgeProgram {
  const [classes] = program.outputs;
  const tensors = program.tensors.map((tensor, id) => {
    const { quantization } = tensor;
    if (id !== classes || quantization === undefined) return tensor;
    return { ...tensor, quantization: { ...quantization, scales: quantization.scales.map((scale) => 30 * scale) } };
  });
  return { ...program, tensors };
}

describe('the source of a model', () => {
  test('has the kernels that it uses, and no others', () => {
    const p = new Programs(1);
    const input = p.image(4, 4, 2);
    const { 'model.c': source } = cSources(p.program(input, p.reshape(p.mean(input))), { title: 'Mean' });
    expect(source).toContain('void nas_mean(');
    expect(source).not.toContain('nas_conv(');
    expect([...source.matchAll(/#include (.*)/g)].map(([, file]) => file)).toEqual(['"model.h"', '<arm_mve.h>']);
  });

  test('the header says names and scales, and turns pixels into bytes', () => {
    const p = new Programs(1);
    const input = p.image(1, 1, 1);
    const classes = ['cat "A"', 'dog??/'];
    const facts = { title: 'Pets */', classes, mean: [0.5], std: [0.25] };
    const { 'model.h': header } = cSources(p.program(input, p.reshape(p.conv(input, 2, { kernel: 1 }))), facts);
    expect(header).toContain('#define NAS_NAMES {"cat \\"A\\"", "dog\\?\\?/"}');
    expect(header).toMatch(/#define NAS_INPUT_SCALE 0\.0\d+f/);
    expect(header).toContain('static inline int8_t nas_pixel(uint8_t pixel, int channel)');
    expect(header.startsWith('/*\n * Pets , in eight bits.')).toBe(true);
  });

  test('is the same every time', () => {
    expect(cSources(randomProgram(5), { title: 'x' })).toEqual(cSources(randomProgram(5), { title: 'x' }));
  });
});

describe('committed answers', () => {
  // Computed by the integer reference. TFLite Micro itself was compared with these roundings on one network only.
  test.each([
    ['exact', 0, '-15 -25 -5 0 -17 1 -18 -11 -51 -25'],
    ['tflm', 0, '-16 -25 -6 0 -17 0 -19 -10 -50 -24'],
    ['exact', 11, '-80 -29 -50 -12 -34 -31 -31 -8 -45 -75'],
    ['tflm', 11, '-81 -29 -48 -12 -35 -32 -32 -7 -46 -76'],
  ] as const)('%s, network %d', (rounding, seed, expected) => {
    const program = randomProgram(seed);
    const [image] = testImages(program, 1);
    expect((runReference(program, image, rounding).get(program.outputs[0]) ?? []).join(' ')).toBe(expected);
  });
});

describe('sizes', () => {
  test('of MobileNetV2 0.35 at 96 pixels', () => {
    expect(edgeSizes(mobileNetV2(0.35, 96, 10))).toEqual({ sramBytes: 110_656, flashBytes: 466_404 });
  });

  test('do not depend on the numbers of the weights, and a float network has those of its bytes', () => {
    const program = mobileNetV2(0.35, 96, 10);
    const tensors = program.tensors.map(({ name, shape, data }) => ({
      name,
      shape,
      element: 'float32' as const,
      ...(data && { data: new Float32Array(data.length) }),
    }));
    expect(edgeSizes({ ...program, tensors })).toEqual(edgeSizes(program));
  });
});
