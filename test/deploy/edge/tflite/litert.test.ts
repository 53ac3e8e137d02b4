import { toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { expect, it } from 'vitest';
import { lowerOnnx } from '../../../../deploy/edge/lower.js';
import { describeWithLiteRt } from '../../../support/litert.js';
import { graphOf, type RandomGraph } from '../../quantize/support/random-graphs.js';
import { agreementOf, int8Of, noiseImages, operatorDifferences } from '../support/agreement.js';

/** Every step of random graphs but means with a padding that TFLite does not have. */
const graphs: readonly RandomGraph[] = [
  { channels: 3, size: 6, steps: ['hardSwish', 'depthwise', 'relu6', 'excite', 'add', 'shuffle', 'grouped'], seed: 5 },
  { channels: 1, size: 5, steps: ['swish', 'maxPool', 'concat', 'addNumber', 'relu', 'conv'], seed: 6 },
];

describeWithLiteRt('a .tflite file in LiteRT', () => {
  it.each(graphs)('computes what the float and the int8 ONNX file compute: $steps', async (drawn) => {
    const images = noiseImages([8, drawn.channels, drawn.size, drawn.size]);
    const model = toBinary(ModelProtoSchema, graphOf(drawn));
    const float = await agreementOf(model, images);
    expect(float.difference).toBeLessThan(1e-5);
    expect(float.same).toBe(float.images);
    const int8 = await int8Of(model, images);
    expect((await agreementOf(int8, images)).difference).toBeLessThan(0.06);
    const found = await operatorDifferences(lowerOnnx(int8, 'int8.onnx'), images);
    for (const [kind, { differ, of, most }] of found) {
      const isExact = ['conv', 'depthwise', 'add', 'rescale', 'mul'].includes(kind);
      expect({ kind, most, share: differ / of }).toMatchObject(isExact ? { most: 0 } : {});
      expect(most).toBeLessThanOrEqual(1);
    }
  });
});
