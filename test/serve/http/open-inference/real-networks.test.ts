import { describe, expect, it, onTestFinished } from 'vitest';
import { openPool } from '../../../../serve/inference/open-pool.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { colourNetworks, greyNetworks, pixelsOf, writeFrontier, type TinyNetwork } from '../../models.js';
import { outputsOf, valuesOf } from '../../reference.js';
import { serviceOf, testServer } from '../server.js';
import { bytesOf, inBytes, inJson, readAnswer } from './requests.js';

async function start(networks: readonly TinyNetwork[]) {
  const frontier = writeFrontier(temporaryFolder(), networks);
  const pool = await openPool({ frontier, workers: 'inline', maxQueue: 64, maxBatch: 4 });
  onTestFinished(() => pool.close());
  const url = await testServer(serviceOf(pool));
  return { pool, ask: (name: string, sent: RequestInit) => fetch(`${url}/v2/models/${name}/infer`, sent) };
}

const near = (expected: Float32Array): readonly number[] => [...expected].map((v) => expect.closeTo(v, 4) as number);

describe('inference with real networks', () => {
  it.each([
    ['grey', greyNetworks],
    ['colour, in both layouts', colourNetworks],
  ])('equals the outputs of the files alone: %s', async (_, networks) => {
    const { pool, ask } = await start(networks);
    for (const { model } of pool.models) {
      const { size, layout } = model;
      const pixels = [pixelsOf(size, 1), pixelsOf(size, 2), pixelsOf(size, 3)];
      const values = pixels.map((image) => valuesOf(model, image));
      const expected = (await Promise.all(pixels.map((image) => outputsOf(model, image)))).flatMap(near);
      const [height, width, channels] = size;
      const shape = [3, ...(layout === 'NHWC' ? size : [channels, height, width])];
      const images = Buffer.concat(pixels);
      const floats = Buffer.concat(values.map(bytesOf));
      const requests = [
        inBytes(
          {
            inputs: [
              {
                name: 'image',
                datatype: 'UINT8',
                shape: [3, ...size],
                parameters: { binary_data_size: images.length },
              },
            ],
            outputs: [{ name: model.output, parameters: { binary_data: true } }],
          },
          images,
        ),
        inBytes(
          { inputs: [{ name: 'input', datatype: 'FP32', shape, parameters: { binary_data_size: floats.length } }] },
          floats,
        ),
        inJson({ inputs: [{ name: 'input', datatype: 'FP32', shape, data: values.flatMap((v) => [...v]) }] }),
      ];
      for (const request of requests) {
        const answer = await ask(model.name, request);
        expect(answer.status).toBe(200);
        const { json, numbers } = await readAnswer(answer);
        expect(json).toMatchObject({ model_name: model.name, parameters: { network: model.name } });
        expect(numbers).toEqual(expected);
      }
    }
  });

  it('names the network that answered the choice', async () => {
    const { pool, ask } = await start(greyNetworks);
    const pixels = pixelsOf([28, 28, 1], 5);
    const input = { name: 'image', datatype: 'UINT8', shape: [1, 28, 28, 1], parameters: { binary_data_size: 784 } };
    const { json, numbers } = await readAnswer(await ask('frontier', inBytes({ inputs: [input] }, pixels)));
    const { network } = json.parameters as { readonly network: string };
    const answered = pool.models.find(({ model }) => model.name === network);
    // The idle server chooses the most accurate network, which gives probabilities; the others give logits.
    expect([network, answered?.outputs]).toEqual(['trial-3', 'probabilities']);
    const expected = answered === undefined ? [] : await outputsOf(answered.model, pixels);
    expect(numbers).toEqual(near(Float32Array.from(expected, Math.log)));
  });

  it('refuses a hopeless request at once', async () => {
    const { ask } = await start(greyNetworks);
    const input = { name: 'image', datatype: 'UINT8', shape: [1, 28, 28, 1], parameters: { binary_data_size: 784 } };
    const sent = inBytes({ inputs: [input], parameters: { budget_ms: 0.001 } }, pixelsOf([28, 28, 1], 5));
    const answer = await ask('frontier', sent);
    // The deadline may pass before the request is queued.
    expect([503, 504]).toContain(answer.status);
    expect(await answer.json()).toEqual({ error: expect.any(String) as string });
  });
});
