import { readFileSync, writeFileSync } from 'node:fs';
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, it } from 'vitest';
import type { Model } from '../../../serve/models/model.js';
import { temporaryFolder } from '../../support/temporary.js';
import { frontierOf, greyNetworks, writeNetwork } from '../models.js';
import { checkablePool, serviceOf, testApp, token } from './server.js';

interface Served {
  readonly model: Model;
  readonly content: Buffer;
  readonly get: (headers?: Readonly<Record<string, string>>) => Promise<LightMyRequestResponse>;
}

async function served(): Promise<Served> {
  const model = writeNetwork(temporaryFolder(), greyNetworks[1]);
  const app = await testApp(serviceOf(checkablePool(frontierOf([model]))));
  return {
    model,
    content: readFileSync(model.file),
    get: (headers = {}) =>
      app.inject({ url: `/models/${model.sha256}.onnx`, headers: { host: '127.0.0.1', ...headers } }),
  };
}

describe('/models/<sha256>.onnx', () => {
  it('is the file, immutable', async () => {
    const { model, content, get } = await served();
    const { statusCode, rawPayload, headers } = await get();
    expect(statusCode).toBe(200);
    expect(rawPayload.equals(content)).toBe(true);
    expect(headers).toMatchObject({
      etag: `"${model.sha256}"`,
      'cache-control': 'public, max-age=31536000, immutable',
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      vary: 'accept-encoding',
    });
    expect(headers).not.toHaveProperty('content-encoding');
  });

  it('is private when a token was needed', async () => {
    const { get } = await served();
    expect((await get({ authorization: `Bearer ${token}` })).headers['cache-control']).toMatch(/^private,/);
  });

  it('is not sent to a client that has it', async () => {
    const { model, get } = await served();
    for (const known of [`"${model.sha256}"`, `"old", W/"${model.sha256}-br"`, '*']) {
      const { statusCode, body, headers } = await get({ 'if-none-match': known });
      expect([statusCode, body, headers.etag]).toEqual([304, '', `"${model.sha256}"`]);
    }
    expect((await get({ 'if-none-match': '"old"' })).statusCode).toBe(200);
  });

  it('is sent in parts for a matching range request', async () => {
    const { model, content, get } = await served();
    const part = await get({ range: 'bytes=100-199' });
    expect([part.statusCode, part.headers['content-range']]).toEqual([206, `bytes 100-199/${content.length}`]);
    expect(part.rawPayload.equals(content.subarray(100, 200))).toBe(true);
    expect((await get({ range: 'bytes=100-199', 'if-range': `"${model.sha256}"` })).statusCode).toBe(206);
    expect((await get({ range: 'bytes=100-199', 'if-range': '"old"' })).statusCode).toBe(200);
    const beyond = await get({ range: `bytes=${content.length}-` });
    expect([beyond.statusCode, beyond.headers['content-range']]).toEqual([416, `bytes */${content.length}`]);
  });

  it('is the compressed file if the client accepts it and it contains this model', async () => {
    const { model, content, get } = await served();
    writeFileSync(`${model.file}.gz`, gzipSync(content));
    const zipped = await get({ 'accept-encoding': 'gzip, br' });
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', etag: `"${model.sha256}-gzip"` });
    expect(gunzipSync(zipped.rawPayload).equals(content)).toBe(true);
    writeFileSync(`${model.file}.br`, brotliCompressSync(content));
    const smaller = await get({ 'accept-encoding': 'gzip, br' });
    expect(smaller.headers).toMatchObject({ 'content-encoding': 'br', 'content-type': 'application/octet-stream' });
    expect(brotliDecompressSync(smaller.rawPayload).equals(content)).toBe(true);
    expect((await get({ 'accept-encoding': 'br;q=0, gzip;q=0.5' })).headers['content-encoding']).toBe('gzip');
    expect((await get({ 'accept-encoding': 'identity' })).headers).not.toHaveProperty('content-encoding');
    // A compressed file of an earlier model, or a damaged one.
    writeFileSync(`${model.file}.br`, brotliCompressSync(content.subarray(1)));
    writeFileSync(`${model.file}.gz`, gzipSync(content).subarray(0, -20));
    expect((await get({ 'accept-encoding': 'gzip, br' })).rawPayload.equals(content)).toBe(true);
  });

  it('is missing for another hash, or after the file changed', async () => {
    const { model, get } = await served();
    const app = await testApp(serviceOf(checkablePool(frontierOf([model]))));
    for (const file of [`${'0'.repeat(64)}.onnx`, model.sha256, '..%2f..%2fetc%2fpasswd', 'trial-2.onnx']) {
      const { statusCode, json } = await app.inject({ url: `/models/${file}`, headers: { host: '127.0.0.1' } });
      expect([statusCode, json()]).toMatchObject([
        404,
        { error: expect.stringContaining('no served model has this hash') as string },
      ]);
    }
    writeFileSync(model.file, 'another model');
    expect((await get()).statusCode).toBe(404);
  });

  it('has its length in a HEAD request', async () => {
    const { model, content } = await served();
    const app = await testApp(serviceOf(checkablePool(frontierOf([model]))));
    const { statusCode, headers, body } = await app.inject({
      method: 'HEAD',
      url: `/models/${model.sha256}.onnx`,
      headers: { host: '127.0.0.1' },
    });
    expect([statusCode, headers['content-length'], body]).toEqual([200, String(content.length), '']);
  });
});
