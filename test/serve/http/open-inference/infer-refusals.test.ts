import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../support/temporary.js';
import { colourNetwork, greyNetwork, greyNetworks, writeFrontier, type TinyNetwork } from '../../models.js';
import { checkablePool, limits, serviceOf, testServer } from '../server.js';
import { bytesOf, inBytes, inJson, type Sent } from './requests.js';

const start = (networks: readonly TinyNetwork[] = greyNetworks): Promise<string> =>
  testServer(serviceOf(checkablePool(writeFrontier(temporaryFolder(), networks))));

const bytes = new Uint8Array(784);
const image = { name: 'image', shape: [1, 28, 28, 1], datatype: 'UINT8', parameters: { binary_data_size: 784 } };
const input = { ...image, name: 'input', datatype: 'FP32', parameters: { binary_data_size: 3136 } };
const data = new Array<number>(784).fill(0);
const one = (tensor: object, rest: Uint8Array = bytes): Sent => inBytes({ inputs: [tensor] }, rest);
const json = (tensor: object): Sent => inJson({ inputs: [{ ...tensor, parameters: {} }] });
const withNumber = (at: number, value: number): Uint8Array => {
  const values = new Float32Array(784);
  values[at] = value;
  return bytesOf(values);
};
const outputs = (...asked: readonly unknown[]): Sent => inBytes({ inputs: [image], outputs: asked }, bytes);
const parameters = (asked: unknown): Sent => inBytes({ inputs: [image], parameters: asked }, bytes);
const raw = (body: Uint8Array<ArrayBuffer> | string, headers: Readonly<Record<string, string>> = {}): Sent => ({
  method: 'POST',
  body,
  headers,
});

/** Requests and the start of their answers. */
const refusals: readonly (readonly [what: string, sent: Sent, status: number, error: RegExp])[] = [
  ['no body', raw(''), 400, /^the body is empty/],
  ['no JSON', raw('hello'), 400, /^the request is not JSON: .*set the header inference-header-content-length/],
  ['an array', raw('[]'), 400, /^the request is an array. It must be a JSON object/],
  ['no inputs', inJson({}), 400, /^inputs is missing/],
  ['two inputs', inJson({ inputs: [image, image] }), 400, /^there are 2 inputs. Send one/],
  ['an input that is none', inJson({ inputs: [null] }), 400, /^inputs\[0\] is null/],
  ['an input without name', json({ ...image, name: undefined }), 400, /^inputs\[0\].name is missing/],
  ['another input', one({ ...image, name: 'x' }), 400, /^there is no input "x" of UINT8. It is called image/],
  ['the wrong data type for it', one({ ...image, name: 'input' }), 400, /^there is no input "input" of UINT8/],
  [
    'another data type',
    one({ ...image, datatype: 'INT64' }),
    400,
    /^inputs\[0\].datatype is "INT64". It must be FP32 or/,
  ],
  ['no data type', one({ ...image, datatype: undefined }), 400, /^inputs\[0\].datatype is missing/],
  ['no shape', one({ ...image, shape: undefined }), 400, /^inputs\[0\].shape is not a shape/],
  ['a negative shape', one({ ...image, shape: [-1, 28, 28, 1] }), 400, /^inputs\[0\].shape is not a shape/],
  [
    'another shape',
    one({ ...image, shape: [1, 1, 28, 28] }),
    400,
    /^inputs\[0\].shape is \[1, 1, 28, 28\]. It must be/,
  ],
  ['a shape without images', one({ ...image, shape: [28, 28, 1] }), 400, /^inputs\[0\].shape is \[28, 28, 1\]/],
  ['no images', one({ ...image, shape: [0, 28, 28, 1] }), 400, /^inputs\[0\].shape is \[0, 28, 28, 1\]/],
  [
    'too many images',
    one({ ...image, shape: [17, 28, 28, 1] }),
    400,
    /^there are 17 images in one request. At most 16/,
  ],
  [
    'fewer images than it says',
    one({ ...image, shape: [2, 28, 28, 1] }),
    400,
    /^inputs\[0\] has 784 bytes. .* make 1568/,
  ],
  ['fewer bytes than it says', one(image, new Uint8Array(783)), 400, /binary_data_size is 784, and 783 bytes follow/],
  ['bytes that nothing is said of', one({ ...image, parameters: {} }), 400, /^784 bytes follow the JSON, but inputs/],
  ['bytes and numbers', one({ ...image, data }), 400, /^inputs\[0\] has both data in the JSON and bytes/],
  ['neither', json(image), 400, /^inputs\[0\].data is missing/],
  ['a text as size', one({ ...image, parameters: { binary_data_size: '784' } }), 400, /binary_data_size is "784"/],
  ['parameters that are none', one({ ...image, parameters: 7 }), 400, /^inputs\[0\].parameters is a number/],
  ['shared memory', one({ ...image, parameters: { shared_memory_region: 'a' } }), 400, /shared memory, which is not/],
  [
    'too few numbers',
    json({ ...image, data: data.slice(1) }),
    400,
    /length of inputs\[0\].data does not match its shape. It must have 784/,
  ],
  ['too many numbers', json({ ...image, data: [...data, 0] }), 400, /does not match its shape/],
  [
    'a number too large for a byte',
    json({ ...image, data: [256, ...data.slice(1)] }),
    400,
    /^number 0 of .* is 256. UINT8/,
  ],
  ['half a number for a byte', json({ ...image, data: [...data.slice(1), 0.5] }), 400, /^number 783 of .* is 0.5/],
  ['a text as number', json({ ...input, data: ['0', ...data.slice(1)] }), 400, /^number 0 of .* is "0". FP32/],
  ['null as number', json({ ...input, data: [null, ...data.slice(1)] }), 400, /^number 0 of .* is null/],
  [
    'a number too large for a float',
    json({ ...input, data: [1e39, ...data.slice(1)] }),
    400,
    /^number 0 .* is Infinity/,
  ],
  ['deeper than its shape', json({ ...input, data: [[[[[0]]]]] }), 400, /^number 0 of inputs\[0\].data is \[0\]/],
  ['NaN', one(input, withNumber(783, NaN)), 400, /^number 783 of the tensor is NaN. All must be finite/],
  ['infinity', one(input, withNumber(5, -Infinity)), 400, /^number 5 of the tensor is -Infinity/],
  ['another output', outputs({ name: 'scores' }), 400, /^there is no output "scores". It is called outputs/],
  ['an output without name', outputs({}), 400, /^outputs\[0\].name is missing/],
  ['two outputs', outputs({ name: 'outputs' }, { name: 'outputs' }), 400, /^2 outputs are requested/],
  ['an output that is none', outputs('outputs'), 400, /^outputs\[0\] is a string/],
  ['classification', outputs({ name: 'outputs', parameters: { classification: 3 } }), 400, /POST \/v1\/classify/],
  [
    'no flag',
    outputs({ name: 'outputs', parameters: { binary_data: 1 } }),
    400,
    /binary_data is a number. It must be true/,
  ],
  ['an id that is no text', inBytes({ id: 7, inputs: [image] }, bytes), 400, /^id is a number/],
  ['no budget', parameters({ budget_ms: 0 }), 400, /^parameters.budget_ms is 0. It must be a number of milliseconds/],
  ['a budget that is too long', parameters({ timeout: 60_000_001 }), 400, /^parameters.timeout.* is 60000.001/],
  [
    'a length beyond the body',
    raw('{}', { 'inference-header-content-length': '3' }),
    400,
    /is "3", and the body has 2/,
  ],
  ['a length that is none', raw('{}', { 'inference-header-content-length': '-1' }), 400, /is "-1"/],
  ['a length of nothing', raw('', { 'inference-header-content-length': '0' }), 400, /^the body is empty/],
  [
    'bytes of no image',
    raw(new Uint8Array(9), { 'inference-header-content-length': '0' }),
    400,
    /3136 \(FP32\) or 784/,
  ],
  ['another encoding', raw('{}', { 'content-encoding': 'br' }), 415, /^the body has the encoding "br". Send gzip/],
  ['no gzip', raw('{}', { 'content-encoding': 'gzip' }), 400, /^the body is not valid gzip/],
  [
    'a bomb',
    raw(Uint8Array.from(gzipSync(Buffer.alloc(limits.bodyBytes + 1))), { 'content-encoding': 'gzip' }),
    413,
    /^the decompressed body has more than 1048576 bytes/,
  ],
  ['a long body', raw(new Uint8Array(limits.bodyBytes + 1)), 413, /^the body has more than 1048576 bytes. Send fewer/],
];

describe('inference refuses', () => {
  it('requests that are none', async () => {
    const url = await start();
    for (const [what, sent, status, error] of refusals) {
      const answer = await fetch(`${url}/v2/models/frontier/infer`, sent);
      const body: unknown = await answer.json();
      expect([answer.status, body], what).toEqual([status, { error: expect.stringMatching(error) as string }]);
    }
  });

  it('unknown models and versions, and lists the known ones', async () => {
    const url = await start();
    const errorOf = async (path: string): Promise<unknown> => {
      const answer = await fetch(`${url}/v2/models/${path}/infer`, one(image));
      expect(answer.status).toBe(404);
      return answer.json();
    };
    expect(await errorOf('trial-7')).toEqual({ error: 'there is no model "trial-7". Did you mean trial-1?' });
    expect(await errorOf('x')).toEqual({
      error: 'there is no model "x". The models are frontier, trial-1, trial-2, trial-3.',
    });
    expect(await errorOf('trial-1/versions/2')).toEqual({
      error: expect.stringMatching(/^there is no version "2" of trial-1/) as string,
    });
    expect(await errorOf('%00')).toMatchObject({ error: expect.stringContaining('no model') as string });
  });

  it('an empty choice, and pixels without a normalisation', async () => {
    const unknown = [
      greyNetwork({ name: 'a', accuracy: null }),
      colourNetwork({ name: 'b', accuracy: null, normalisation: null }),
    ];
    const url = await start(unknown);
    const ask = async (name: string, sent: Sent): Promise<unknown> =>
      (await fetch(`${url}/v2/models/${name}/infer`, sent)).json();
    expect(await ask('frontier', one(image))).toEqual({
      error: expect.stringMatching(
        /^the scheduler has no network to choose from.* Request one by its name: a, b/,
      ) as string,
    });
    expect(await ask('b', one(image))).toEqual({
      error: expect.stringMatching(/^the metadata of b has no mean and std for pixels. Send normalised/) as string,
    });
  });
});
