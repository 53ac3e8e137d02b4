import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { BoxedImage } from '../../../../base/average-precision.js';
import { scoreBoxes } from '../../../../base/box-scores.js';
import { writeC } from '../../../../deploy/edge/c/index.js';
import { detectBytes, detectionTables, inPixels, type ByteBox } from '../../../../deploy/edge/detect.js';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import { runReference, quantizationOf } from '../../../../deploy/edge/reference.js';
import { evaluateOnSplit } from '../../../../runner/index.js';
import { withDataset } from '../../../../trainers/index.js';
import { evaluationLoader } from '../../../../trainers/evaluate.js';
import { sharedFolder } from '../../../support/temporary.js';
import { trainedDetector } from '../../../support/trained-detector.js';
import { int8Of } from '../support/agreement.js';
import { describeWith } from './support/compilers.js';

const folder = sharedFolder();

/** Reads images as bytes, and prints the boxes of each, whatever their score. */
const program = `#include <stdio.h>
#include "model.h"
int main(void) {
  static nas_box boxes[NAS_MOST];
  int16_t least[NAS_LABELS];
  for (int32_t label = 0; label < NAS_LABELS; label++) least[label] = -128;
  while (fread(nas_input(), 1, NAS_INPUT_BYTES, stdin) == NAS_INPUT_BYTES) {
    nas_run();
    const int32_t count = nas_detect_from(boxes, NAS_MOST, least);
    for (int32_t i = 0; i < count; i++)
      printf("%d,%d,%d,%d,%d,%d ", boxes[i].x, boxes[i].y, boxes[i].width, boxes[i].height, boxes[i].label, boxes[i].score);
    printf("\\n");
  }
  return 0;
}
`;

const boxOf = (text: string): ByteBox => {
  const [x, y, width, height, label, score] = text.split(',').map(Number);
  return { x, y, width, height, label, score };
};

describeWith(['gcc'], 'the AP50 of a detector in C', () => {
  it('is that of the integer reference, and within a point that of ONNX Runtime', async () => {
    const { dataset, onnx, metadata, network } = await trainedDetector(folder, join(folder, 'cache'));
    const { detection } = metadata;
    if (detection === undefined) throw new Error('the file has no thresholds');
    const { images, truths } = await withDataset(dataset, async (open) => {
      const loader = evaluationLoader(open, 'validation', 1, { size: [48, 48], stride: detection.stride });
      const rendered: Float32Array[] = [];
      for await (const batch of loader.epoch(0)) rendered.push(Float32Array.from(batch.images));
      await loader.close();
      const { boxed } = open.split('validation', [48, 48]);
      return { images: rendered, truths: rendered.map((_, i) => boxed?.(i).boxes ?? []) };
    });
    const values = Float32Array.from(images.flatMap((image) => [...image]));
    const int8 = await int8Of(onnx, { values, shape: [images.length, ...network.input] });
    const bytes = lowerOnnx(int8, 'model', { io: 'int8' });
    const { scales, zero } = quantizationOf(bytes.tensors[bytes.input]);
    const inputs = images.map((image) =>
      Int8Array.from(image, (value) => Math.max(-128, Math.min(127, Math.round(value / scales[0]) + zero))),
    );

    const tables = detectionTables(bytes, detection);
    const all = { ...tables, least: tables.least.map(() => -128) };
    const reference = inputs.map((input) => {
      const computed = runReference(bytes, input);
      return detectBytes(
        all,
        bytes.outputs.map((id) => Int8Array.from(computed.get(id) ?? [])),
      );
    });
    writeC(folder, bytes, { title: 'Squares and discs', detection });
    writeFileSync(join(folder, 'main.c'), program);
    execFileSync('gcc', ['-O1', 'main.c', 'model.c', '-o', 'main'], { cwd: folder });
    const printed = execFileSync(join(folder, 'main'), {
      input: Buffer.concat(inputs.map((one) => new Uint8Array(one.buffer))),
      encoding: 'utf8',
    });
    const found = printed
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().split(' ').map(boxOf));
    expect(found).toEqual(reference);

    const score = (boxes: readonly (readonly ByteBox[])[]): number => {
      const scored = boxes.map((own, i): BoxedImage => ({ truths: truths[i], found: own.map(inPixels), scale: 1 }));
      return scoreBoxes(scored, 2, { task: 'detection' }).score;
    };
    const { accuracy } = await evaluateOnSplit(int8, dataset, 'validation');
    expect(score(found)).toBe(score(reference));
    expect(score(found)).toBeGreaterThan(0.5);
    expect(Math.abs(score(found) - accuracy)).toBeLessThan(0.01);
  });
});
