/**
 * Requests of Python's tritonclient, written down from its source (triton-inference-server/client, src/python/library/tritonclient/
 * http) with numpy arrays of 28 x 28 images. It sets no content type, and no length for requests without a body.
 */
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { pixelsOf } from '../../models.js';
import { checkable, greyService, testServer } from '../server.js';
import { exchange } from '../wire.js';
import { bytesOf } from './requests.js';

const start = (): Promise<string> => testServer(greyService());

const agent = 'User-Agent: python/gevent-http-client-2.3.9\r\n';

function post(path: string, headers: string, body: Uint8Array): Uint8Array {
  const length = body.length === 0 ? '' : `Content-Length: ${body.length}\r\n`;
  return Buffer.concat([
    Buffer.from(`POST ${path} HTTP/1.1\r\n${agent}${headers}Host: localhost:8000\r\n${length}\r\n`),
    body,
  ]);
}

const text = (value: string): Buffer => Buffer.from(value);

/** A request whose body is JSON, then bytes. */
function inference(path: string, json: string, bytes: Uint8Array, pack?: (body: Buffer) => Buffer): Uint8Array {
  const headers = `${pack === undefined ? '' : 'Content-Encoding: gzip\r\n'}Inference-Header-Content-Length: ${json.length}\r\n`;
  const body = Buffer.concat([text(json), bytes]);
  return post(path, headers, pack?.(body) ?? body);
}

const ofPixels =
  '{"inputs":[{"name":"image","shape":[1,28,28,1],"datatype":"UINT8","parameters":{"binary_data_size":784}}],' +
  '"parameters":{"binary_data_output":true}}';
const pixels = pixelsOf([28, 28, 1], 3);
const values = Float32Array.from(pixels, (value) => value / 256);

describe("Python's tritonclient", () => {
  it('sends a numpy array of bytes and receives all outputs as bytes', async () => {
    const url = await start();
    const { status, headers, body } = await exchange(url, inference('/v2/models/frontier/infer', ofPixels, pixels));
    expect(status).toBe(200);
    const length = Number(headers.get('inference-header-content-length'));
    const answer = JSON.parse(body.toString('utf8', 0, length)) as unknown;
    expect(answer).toMatchObject({
      outputs: [{ name: 'outputs', datatype: 'FP32', shape: [1, 3], parameters: { binary_data_size: 12 } }],
    });
    expect([...new Float32Array(Uint8Array.from(body.subarray(length)).buffer)]).toEqual([
      ...checkable({ kind: 'pixels', data: pixels }),
    ]);
  });

  it('requests one output of a version with a timeout in microseconds and an id', async () => {
    const url = await start();
    const json =
      '{"id":"7","inputs":[{"name":"input","shape":[1,28,28,1],"datatype":"FP32","parameters":{"binary_data_size":3136}}],' +
      '"outputs":[{"name":"logits","parameters":{"binary_data":true}}],"parameters":{"timeout":50000000}}';
    const request = inference('/v2/models/trial-1/versions/1/infer', json, bytesOf(values));
    const { status, headers, body } = await exchange(url, request);
    expect(status).toBe(200);
    const length = Number(headers.get('inference-header-content-length'));
    expect(JSON.parse(body.toString('utf8', 0, length))).toMatchObject({ id: '7', outputs: [{ name: 'logits' }] });
    expect(body.length - length).toBe(12);
  });

  it('sends and receives numbers in JSON', async () => {
    const url = await start();
    const json =
      `{"inputs":[{"name":"input","shape":[1,28,28,1],"datatype":"FP32","data":[${[...values].join(',')}]}],` +
      '"outputs":[{"name":"logits","parameters":{"binary_data":false}}]}';
    const { status, headers, body } = await exchange(url, post('/v2/models/trial-1/infer', '', text(json)));
    expect([status, headers.get('inference-header-content-length')]).toEqual([200, undefined]);
    expect(JSON.parse(body.toString())).toMatchObject({
      model_name: 'trial-1',
      outputs: [{ name: 'logits', data: [...checkable({ kind: 'values', data: values })] }],
    });
  });

  it('compresses its requests', async () => {
    const url = await start();
    const request = inference('/v2/models/frontier/infer', ofPixels, pixels, gzipSync);
    const { status, body } = await exchange(url, request);
    expect([status, body.toString()]).toEqual([200, expect.stringContaining('"binary_data_size":12')]);
  });

  it('lists models with an empty body', async () => {
    const url = await start();
    const { status, body } = await exchange(url, post('/v2/repository/index', '', text('')));
    expect(status).toBe(200);
    expect(JSON.parse(body.toString())).toContainEqual({ name: 'trial-1', version: '1', state: 'READY', reason: '' });
  });
});
