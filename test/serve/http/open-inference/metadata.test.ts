import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../support/temporary.js';
import { colourNetworks, greyNetwork, greyNetworks, writeFrontier, type TinyNetwork } from '../../models.js';
import { checkablePool, serviceOf, testServer } from '../server.js';

const start = (networks: readonly TinyNetwork[] = greyNetworks): Promise<string> =>
  testServer(serviceOf(checkablePool(writeFrontier(temporaryFolder(), networks))));

async function get(url: string): Promise<readonly [status: number, body: unknown]> {
  const answer = await fetch(url);
  return [answer.status, await answer.json()];
}

describe('health', () => {
  it('reports whether the server is alive and ready', async () => {
    const service = serviceOf(checkablePool(writeFrontier(temporaryFolder())));
    const ready = await testServer(service);
    expect(await get(`${ready}/v2/health/live`)).toEqual([200, { live: true }]);
    expect(await get(`${ready}/v2/health/ready`)).toEqual([200, { ready: true }]);
    expect(await get(`${ready}/v2/models/frontier/ready`)).toEqual([200, { name: 'frontier', ready: true }]);
    const draining = await testServer({ ...service, isReady: false });
    expect(await get(`${draining}/v2/health/live`)).toEqual([200, { live: true }]);
    const error = { error: 'the server accepts no new requests. It is shutting down.' };
    expect(await get(`${draining}/v2/health/ready`)).toEqual([503, error]);
    expect(await get(`${draining}/v2/models/frontier/ready`)).toEqual([503, error]);
  });

  it('distinguishes models that are not ready from unknown models', async () => {
    const service = serviceOf(checkablePool(writeFrontier(temporaryFolder())), {
      index: () => [{ name: 'trial-9', version: 1, state: 'UNAVAILABLE', reason: 'it was unloaded' }],
    });
    const url = await testServer(service);
    expect(await get(`${url}/v2/models/trial-9/versions/1/ready`)).toEqual([
      503,
      { error: 'the model trial-9 is UNAVAILABLE: it was unloaded' },
    ]);
    expect(await get(`${url}/v2/models/trial-8/ready`)).toEqual([
      404,
      { error: 'there is no model "trial-8". Did you mean trial-1?' },
    ]);
  });
});

describe('metadata', () => {
  it('describes the server and its extensions', async () => {
    const [status, body] = await get(`${await start()}/v2`);
    expect([status, body]).toEqual([
      200,
      {
        name: 'nas',
        version: '0.1.0',
        extensions: ['binary_tensor_data'],
      },
    ]);
  });

  it('describes a model with the names of its graph and the shape of pixels', async () => {
    const url = await start(colourNetworks);
    expect(await get(`${url}/v2/models/trial-4`)).toEqual([
      200,
      {
        name: 'trial-4',
        versions: ['1'],
        platform: 'onnx_onnxv1',
        inputs: [{ name: 'input', datatype: 'FP32', shape: [-1, 3, 32, 32] }],
        alternative_inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 32, 32, 3] }],
        outputs: [
          { name: 'logits', datatype: 'FP32', shape: [-1, 3], parameters: { task: 'classification', kind: 'logits' } },
        ],
        classes: ['cat', 'dog', 'ship'],
        networks: [
          {
            name: 'trial-4',
            version: '1',
            accuracy: 0.6,
            precision: 'fp32',
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
            bytes: expect.any(Number) as number,
            max_batch: 4,
            ms: 1,
          },
        ],
      },
    ]);
    expect(await get(`${url}/v2/models/trial-4/versions/1`)).toEqual(await get(`${url}/v2/models/trial-4`));
  });

  it('describes the choice by the inputs that all its networks accept', async () => {
    const [, same] = await get(`${await start()}/v2/models/frontier`);
    expect(same).toMatchObject({
      inputs: [{ name: 'input', datatype: 'FP32' }],
      alternative_inputs: [{ name: 'image' }],
      outputs: [{ name: 'outputs', parameters: { task: 'classification', kind: 'logits' } }],
      networks: [{ name: 'trial-1' }, { name: 'trial-2' }, { name: 'trial-3' }],
    });
    const [, different] = await get(`${await start(colourNetworks)}/v2/models/frontier`);
    expect(different).toMatchObject({
      inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, 32, 32, 3] }],
      alternative_inputs: [],
    });
    const [status] = await get(
      `${await start([1, 2].map((i) => greyNetwork({ name: `a${i}`, accuracy: null })))}/v2/models/frontier`,
    );
    expect(status).toBe(404);
  });
});
