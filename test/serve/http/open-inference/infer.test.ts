import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { InferencePool } from '../../../../serve/inference/pool.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { colourNetworks, greyNetworks, pixelsOf, writeFrontier } from '../../models.js';
import { checkable, checkablePool, serviceOf, testServer } from '../server.js';
import { bytesOf, inBytes, inJson, readAnswer, type Sent } from './requests.js';

const grey = [28, 28, 1] as const;
const pixels = pixelsOf(grey, 1);
const values = Float32Array.from(pixels, (value) => value / 64 - 2);

interface Started {
  readonly ask: (sent: Sent, name?: string) => Promise<Response>;
  readonly pool: InferencePool;
}

async function start(networks = greyNetworks, change: Partial<InferencePool> = {}): Promise<Started> {
  const pool = checkablePool(writeFrontier(temporaryFolder(), networks), change);
  const url = await testServer(serviceOf(pool));
  return { pool, ask: (sent, name = 'frontier') => fetch(`${url}/v2/models/${name}/infer`, sent) };
}

const image = (count: number, parameters: object = {}) => ({
  name: 'image',
  shape: [count, ...grey],
  datatype: 'UINT8',
  parameters,
});
const input = (count: number, parameters: object = {}) => ({
  name: 'input',
  shape: [count, ...grey],
  datatype: 'FP32',
  parameters,
});
const size = (bytes: Uint8Array) => ({ binary_data_size: bytes.length });

const ofPixels = [...checkable({ kind: 'pixels', data: pixels })];
const ofValues = [...checkable({ kind: 'values', data: values })];

describe('inference', () => {
  it('answers with the network that the scheduler chose and its times', async () => {
    const { ask } = await start();
    const answer = await ask(inBytes({ id: 'a', inputs: [image(1, size(pixels))] }, pixels));
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'application/json; charset=utf-8']);
    expect(await answer.json()).toEqual({
      model_name: 'frontier',
      model_version: '1',
      id: 'a',
      parameters: { network: 'trial-1', accuracy: 0.6, queued_ms: 0.25, computed_ms: 1.5, batch: 1 },
      outputs: [{ name: 'outputs', datatype: 'FP32', shape: [1, 3], data: ofPixels }],
    });
  });

  it('accepts tensors in JSON, flat or nested, and as bytes, after the JSON or alone', async () => {
    const { ask } = await start();
    const rows = <T>(flat: readonly T[]) => [
      Array.from({ length: 28 }, (_, y) => flat.slice(y * 28, (y + 1) * 28).map((v) => [v])),
    ];
    const bytes = bytesOf(values);
    const raw = { 'inference-header-content-length': '0' };
    const ways: readonly (readonly [Sent, readonly number[]])[] = [
      [inJson({ inputs: [{ ...image(1), data: [...pixels] }] }), ofPixels],
      [inJson({ inputs: [{ ...image(1), data: rows([...pixels]) }] }), ofPixels],
      [inJson({ inputs: [{ ...input(1), data: rows([...values]) }] }), ofValues],
      [inBytes({ inputs: [image(1, size(pixels))] }, pixels), ofPixels],
      // JSON of any length, so that the floats start at any offset of the body.
      ...['', 'a', 'ab', 'abc'].map((id): readonly [Sent, readonly number[]] => [
        inBytes({ id, inputs: [input(1, size(bytes))] }, bytes),
        ofValues,
      ]),
      [{ method: 'POST', body: Uint8Array.from(pixels), headers: raw }, ofPixels],
      [{ method: 'POST', body: Uint8Array.from(bytes), headers: raw }, ofValues],
    ];
    for (const [sent, expected] of ways) {
      const answer = await ask(sent);
      expect(answer.status).toBe(200);
      expect((await readAnswer(answer)).numbers).toEqual(expected);
    }
  });

  it('returns bytes if requested, for one output or all', async () => {
    const { ask } = await start();
    const isBinary = async (request: object): Promise<boolean> => {
      const answer = await ask(inBytes({ inputs: [image(1, size(pixels))], ...request }, pixels));
      const { numbers } = await readAnswer(answer);
      expect(numbers).toEqual(ofPixels);
      return answer.headers.has('inference-header-content-length');
    };
    const output = (binary?: boolean) => ({ outputs: [{ name: 'outputs', parameters: { binary_data: binary } }] });
    expect(await isBinary({})).toBe(false);
    expect(await isBinary({ outputs: [] })).toBe(false);
    expect(await isBinary(output(true))).toBe(true);
    expect(await isBinary({ parameters: { binary_data_output: true } })).toBe(true);
    expect(await isBinary({ parameters: { binary_data_output: true }, ...output() })).toBe(true);
    expect(await isBinary({ parameters: { binary_data_output: true }, ...output(false) })).toBe(false);
  });

  it('answers any number of images of a request in order', async () => {
    const { ask } = await start();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(255), { minLength: 1, maxLength: 16 }), async (seeds) => {
        const images = seeds.map((seed) => pixelsOf(grey, seed));
        const bytes = Buffer.concat(images);
        const answer = await ask(inBytes({ inputs: [image(images.length, size(bytes))] }, bytes));
        const { json, numbers } = await readAnswer(answer);
        expect(json).toMatchObject({ outputs: [{ shape: [images.length, 3] }] });
        expect(numbers).toEqual(images.flatMap((data) => [...checkable({ kind: 'pixels', data })]));
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it("accepts the tensor names of a network's graph", async () => {
    const { ask } = await start();
    const answer = await ask(inBytes({ inputs: [input(1, size(bytesOf(values)))] }, bytesOf(values)), 'trial-3');
    expect(await answer.json()).toMatchObject({
      model_name: 'trial-3',
      parameters: { network: 'trial-3', accuracy: 0.8 },
      outputs: [{ name: 'probabilities', data: ofValues }],
    });
  });

  it("accepts values in the network's own layout", async () => {
    const { ask } = await start(colourNetworks);
    const colour = Float32Array.from({ length: 3072 }, (_, i) => i);
    const request = (shape: readonly number[]) =>
      inBytes(
        { inputs: [{ name: 'input', shape, datatype: 'FP32', parameters: size(bytesOf(colour)) }] },
        bytesOf(colour),
      );
    expect((await ask(request([1, 3, 32, 32]), 'trial-4')).status).toBe(200);
    expect((await ask(request([1, 32, 32, 3]), 'trial-5')).status).toBe(200);
    expect(await (await ask(request([1, 32, 32, 3]), 'trial-4')).json()).toEqual({
      error: 'inputs[0].shape is [1, 32, 32, 3]. It must be [images, 3, 32, 32].',
    });
    expect(await (await ask(request([1, 32, 32, 3]), 'frontier')).json()).toEqual({
      error: expect.stringContaining('differ in size, layout or normalisation') as string,
    });
  });

  it('returns logits of all networks if one of them gives probabilities', async () => {
    const { ask, pool } = await start(greyNetworks, {
      run: () =>
        Promise.resolve(
          pool.models.map(({ model, outputs }) => ({
            model,
            outputs: outputs === 'logits' ? Float32Array.of(-1, 0, 2) : Float32Array.of(0.125, 0.5, 0.375),
            batch: 1,
            queuedMs: 0,
            computedMs: 1,
          })),
        ),
    });
    const bytes = Buffer.concat([pixels, pixels, pixels]);
    const { json, numbers } = await readAnswer(await ask(inBytes({ inputs: [image(3, size(bytes))] }, bytes)));
    expect(json).toMatchObject({ parameters: { network: 'trial-1,trial-2,trial-3' } });
    expect(numbers.slice(0, 6)).toEqual([-1, 0, 2, -1, 0, 2]);
    expect(numbers.slice(6)).toEqual([...Float32Array.of(Math.log(0.125), Math.log(0.5), Math.log(0.375))]);
  });

  it('counts the budget (header, body or default) from the arrival of the headers', async () => {
    const run = vi.fn<InferencePool['run']>(() => Promise.reject(new Error('no answer is wanted')));
    const { ask } = await start(greyNetworks, { run });
    const expectBudget = async (ms: number, headers: Record<string, string>, parameters: object): Promise<void> => {
      const before = performance.now();
      const sent = inBytes({ inputs: [image(1, size(pixels))], parameters }, pixels);
      await ask({ ...sent, headers: { ...sent.headers, ...headers } });
      const { deadline } = run.mock.lastCall?.[1] ?? { deadline: NaN };
      // Server and test share a clock.
      expect(deadline - ms).toBeGreaterThan(before);
      expect(deadline - ms).toBeLessThan(performance.now());
    };
    await expectBudget(10_000, {}, {});
    await expectBudget(30_000, {}, { budget_ms: 30_000 });
    await expectBudget(20_000, {}, { timeout: 20_000_000 });
    await expectBudget(10_000, {}, { timeout: 0 });
    await expectBudget(60_000, { 'x-budget-ms': '60000' }, { budget_ms: 30_000 });
  });

  it('decompresses bodies', async () => {
    const { ask } = await start();
    const { method, body, headers } = inBytes({ inputs: [image(1, size(pixels))] }, pixels);
    const sent = {
      method,
      body: Uint8Array.from(deflateSync(body)),
      headers: { ...headers, 'content-encoding': 'deflate' },
    };
    expect((await readAnswer(await ask(sent))).numbers).toEqual(ofPixels);
  });

  it('parses each request by itself, however similar to the one before', async () => {
    const { ask } = await start();
    const other = pixelsOf(grey, 2);
    const ofOther = [...checkable({ kind: 'pixels', data: other })];
    const send = async (request: object, data: Uint8Array) => {
      const { json, numbers } = await readAnswer(
        await ask(inBytes({ inputs: [image(1, size(data))], ...request }, data)),
      );
      return [json.id, numbers];
    };
    expect(await send({ id: 'a' }, pixels)).toEqual(['a', ofPixels]);
    expect(await send({ id: 'a' }, other)).toEqual(['a', ofOther]);
    expect(await send({ id: 'b' }, other)).toEqual(['b', ofOther]);
    expect(await send({}, pixels)).toEqual([undefined, ofPixels]);
    // The same JSON with fewer bytes than stated.
    const { method, body, headers } = inBytes({ inputs: [image(1, size(pixels))] }, pixels.subarray(1));
    expect((await ask({ method, body, headers })).status).toBe(400);
    expect(await send({}, pixels)).toEqual([undefined, ofPixels]);
  });
});
