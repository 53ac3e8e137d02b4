import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { decode, detectIn, inOriginal, type Detection } from '../../../../base/detections.js';
import { Random } from '../../../../base/random.js';
import { openOnnx } from '../../../../compiler/index.js';
import { createDecoder } from '../../../../serve/images/decoder.js';
import { readFrontier } from '../../../../serve/models/frontier.js';
import { renderingOf, type Model } from '../../../../serve/models/model.js';
import { boxesSchema, openDataset, prepareDataset } from '../../../../trainers/index.js';
import { writeDetector, type DetectorOptions } from '../../../support/detector-files.js';
import { sharedFolder, temporaryFolder } from '../../../support/temporary.js';
import { picture } from '../../images/pictures.js';
import { testPool } from '../../inference/pools.js';
import { outputsOf, valuesOf } from '../../reference.js';
import { checkablePool, serviceOf, startServer } from '../server.js';
import { formOf, postImage, type Answered } from './post.js';
import { inJson } from '../open-inference/requests.js';

beforeAll(async () => void (await tf.setBackend('cpu')));

const shared = sharedFolder();
const decoder = createDecoder({ parallel: 2, maxPixels: 1e6 });
const thresholds = [0.5, 0.55];

/** A server of detectors by name. */
async function serve(networks: Readonly<Record<string, DetectorOptions>> = { only: {} }) {
  const folder = temporaryFolder();
  for (const [name, options] of Object.entries(networks)) writeDetector(folder, name, options);
  const frontier = await readFrontier(folder);
  const server = await startServer(serviceOf(await testPool({ frontier })), {
    decoder,
    limits: { bodyBytes: 1 << 22 },
  });
  return { ...server, frontier, model: frontier.models[0] };
}

interface Found {
  readonly boxes: readonly { readonly class: string; readonly score: number }[];
}

const post = (url: string, path: string, body: Uint8Array | FormData) =>
  postImage(url + path, body) as Promise<Answered<{ results: Found[]; error?: string }>>;

/** The boxes of an answer for found ones, to a thousandth of a pixel. */
const answered = (found: readonly Detection[], { classes }: Model) =>
  found.map(({ label, score, left, top, right, bottom }) => ({
    class: classes[label],
    score: expect.closeTo(score, 5) as number,
    ...Object.fromEntries(
      Object.entries({ left, top, right, bottom }).map(([edge, at]) => [edge, expect.closeTo(at, 2) as number]),
    ),
  }));

/** Sharp files of odd sizes, some turned by EXIF, grey, with bars at the sides or above, or with one pixel in a row. */
async function photograph(
  seed: number,
): Promise<{ readonly name: string; readonly file: Buffer; readonly size: number[] }> {
  const random = new Random(seed, 'photograph');
  const side = (): number => (seed % 20 === 0 ? 1 + random.int(3) : 5 + random.int(160));
  const [width, height] = [side(), side()];
  const channels = seed % 7 === 0 ? 1 : 3;
  const image = picture({ width, height, channels });
  const orientation = 1 + (seed % 8);
  if (seed % 3 === 0) return { name: `${seed}.png`, file: await image.png().toBuffer(), size: [width, height] };
  const file = await image.jpeg({ quality: 90 }).withMetadata({ orientation }).toBuffer();
  return { name: `${seed}.jpg`, file, size: orientation > 4 ? [height, width] : [width, height] };
}

describe('POST /v1/detect', () => {
  it('finds the boxes that evaluation finds, in pixels of the sent image: 48 photographs of odd sizes', async () => {
    const folder = join(shared, 'photographs');
    mkdirSync(folder);
    const photographs = await Promise.all(Array.from({ length: 48 }, (_, seed) => photograph(seed)));
    for (const { name, file } of photographs) writeFileSync(join(folder, name), file);
    const images = photographs.map(({ name, size }, id) => ({ id, file_name: name, width: size[0], height: size[1] }));
    const annotations = images.map(({ id }) => ({ image_id: id, category_id: 1 + (id % 2), bbox: [0, 0, 1, 1] }));
    const categories = ['square', 'disc'].map((name, i) => ({ id: i + 1, name }));
    writeFileSync(join(folder, 'boxes.json'), JSON.stringify({ images, annotations, categories }));
    const config = boxesSchema.parse({ type: 'boxes', path: folder, size: [24, 36], validation: 0.2, test: 0.2 });
    const dataset = openDataset(await prepareDataset(config, { cache: join(shared, 'cache') }));
    onTestFinished(() => dataset.close());

    const { url, model } = await serve();
    const { run, close } = await openOnnx(model.file, 'the model');
    onTestFinished(close);
    const files = new Map(photographs.map(({ size, file }, i) => [size.join('x'), { file, i }] as const));
    expect(files.size).toBeGreaterThan(45);
    let [seen, boxes] = [0, 0];
    for (const name of ['train', 'validation', 'test'] as const) {
      const split = dataset.split(name);
      const pixels = new Uint8Array(24 * 36 * 3);
      for (let position = 0; position < split.count; position++) {
        split.read([position], pixels);
        const boxed = split.boxed?.(position) ?? expect.fail('no boxes');
        const { extent, placement } = boxed;
        const values = await run(valuesOf(model, pixels), [1, 24, 36, 3]);
        const map = { rows: 6, columns: 9, stride: 4, classes: 2, values };
        const expected = inOriginal(decode(map, { thresholds }), placement, extent);
        const sent = files.get(`${extent.width}x${extent.height}`) ?? expect.fail(`${extent.width}x${extent.height}`);
        // Two photographs may have one size.
        if (photographs.filter(({ size }) => size[0] === extent.width && size[1] === extent.height).length > 1)
          continue;
        const { status, body } = await post(url, '/v1/detect', sent.file);
        expect([status, body.results[0].boxes], `photograph ${sent.i}`).toEqual([200, answered(expected, model)]);
        seen++;
        boxes += expected.length;
      }
    }
    expect(seen).toBeGreaterThan(45);
    expect(boxes).toBeGreaterThan(seen);
  });

  it('names the network, its AP50 and the times; a form has the results in order', async () => {
    const { url } = await serve();
    const files = await Promise.all([1, 3, 7].map(async (seed) => (await photograph(seed)).file));
    const { body } = await post(url, '/v1/detect', formOf(...files));
    expect(body.results).toHaveLength(3);
    for (const [i, result] of body.results.entries()) {
      const alone = await post(url, '/v1/detect?network=only', files[i]);
      expect(result.boxes).toEqual(alone.body.results[0].boxes);
      expect(result).toMatchObject({ network: 'only', ap50: 0.75, ms: { queued: expect.any(Number) as number } });
    }
  });

  it('has the middles of centroids, whose cells evaluation finds', async () => {
    const { url, model } = await serve({ only: { head: { centroids: true } } });
    const { file, size } = await photograph(4);
    const { body } = await post(url, '/v1/detect?threshold=0', file);
    const extent = { width: size[0], height: size[1] };
    const pixels = await decoder.decode(file, {
      ...{ rendering: renderingOf(model), deadline: Infinity, isGone: () => false, client: 'test' },
    });
    const map = { rows: 6, columns: 9, stride: 4, classes: 2, values: await outputsOf(model, pixels) };
    const expected = detectIn(map, extent, renderingOf(model));
    expect(expected.length).toBeGreaterThan(3);
    const centroids = expected.map(({ label, score, left, right, top, bottom }) => ({
      class: model.classes[label],
      score: expect.closeTo(score, 5) as number,
      x: expect.closeTo((left + right) / 2, 2) as number,
      y: expect.closeTo((top + bottom) / 2, 2) as number,
    }));
    expect(body.results).toMatchObject([{ centroids, network: 'only', f1: 0.75 }]);
    expect(body.results[0]).not.toHaveProperty('boxes');
    const protocol: unknown = await (await fetch(`${url}/v2/models/only`)).json();
    expect(protocol).toMatchObject({ outputs: [{ name: 'classes', shape: [-1, 6, 9, 2] }] });
  });

  it('takes one threshold for all classes, and refuses what is none', async () => {
    const { url, model } = await serve();
    const { file } = await photograph(3);
    const all = await post(url, '/v1/detect?threshold=0', file);
    expect(all.body.results[0].boxes.length).toBeGreaterThan(3);
    for (const threshold of ['0.5', '.6', '1', '1.0', '0.70']) {
      const { body } = await post(url, `/v1/detect?threshold=${threshold}`, file);
      const expected = all.body.results[0].boxes.filter(({ score }) => score >= Number(threshold));
      // A threshold drops the boxes below it, and no box of a higher score depends on them.
      expect(body.results[0].boxes, threshold).toEqual(expected);
    }
    expect(model.maps).toMatchObject({ thresholds });
    for (const threshold of ['-0.1', '1.5', 'NaN', '', '1e-3', '0.5.1', '0x1', '0.5&threshold=0.6']) {
      const { status, body } = await post(url, `/v1/detect?threshold=${threshold}`, file);
      expect([status, body.error], threshold).toEqual([
        400,
        expect.stringMatching(/^threshold is .*It must be the least score of the boxes to return/) as string,
      ]);
    }
    // The requests of other tasks name this one.
    expect(await post(url, '/v1/classify', file)).toEqual({
      status: 422,
      body: {
        error: 'frontier was made for detection, /v1/classify is for classification. Send the image to /v1/detect.',
      },
    });
  });

  it('lets the scheduler choose between detectors of different sizes and strides', async () => {
    const { url } = await serve({
      small: { metadata: { accuracy: { test: 0.5 } } },
      large: {
        input: [40, 40, 3],
        head: { stride: 8 },
        metadata: { detection: { stride: 8, most: 20, overlap: 0.5 } },
      },
    });
    const { file } = await photograph(4);
    const { body } = await post(url, '/v1/detect', file);
    expect(body.results).toMatchObject([{ network: 'large', ap50: 0.75 }]);
    expect(await post(url, '/v1/detect?network=small', file)).toMatchObject({ body: { results: [{ ap50: 0.5 }] } });
  });

  it('answers 500 to an output that is not finite', async () => {
    const folder = temporaryFolder();
    writeDetector(folder, 'only');
    const frontier = await readFrontier(folder);
    const outputs = new Float32Array(6 * 9 * 6);
    const answer = { model: frontier.models[0], outputs, batch: 1, queuedMs: 0, computedMs: 0 };
    const { url } = await startServer(serviceOf(checkablePool(frontier, { run: () => Promise.resolve([answer]) })), {
      decoder,
    });
    const { file } = await photograph(3);
    for (const value of [NaN, Infinity, -Infinity]) {
      outputs[17] = value;
      const { status, body } = await post(url, '/v1/detect', file);
      expect([status, body.error]).toEqual([500, expect.stringMatching(/values that are not finite/) as string]);
    }
  });
});

describe('a detector over the Open Inference Protocol', () => {
  interface Output {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: readonly number[];
    readonly parameters?: { readonly binary_data_size: number };
  }
  const pixels = Uint8Array.from({ length: 24 * 36 * 3 }, (_, i) => (i * 37) % 256);
  const image = { name: 'image', datatype: 'UINT8', shape: [1, 24, 36, 3] };

  async function infer(url: string, model: string, more: object = {}) {
    const sent = inJson({ inputs: [{ ...image, data: [...pixels] }], ...more });
    const response = await fetch(`${url}/v2/models/${model}/infer`, sent);
    const body = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length') ?? body.length);
    const json = JSON.parse(body.toString('utf8', 0, length)) as { outputs: Output[]; error?: string };
    return { status: response.status, json, rest: body.subarray(length) };
  }

  it('has its raw maps, one output a head', async () => {
    const { url, model } = await serve();
    const [classes, boxes] = [
      { name: 'classes', shape: [1, 6, 9, 2] },
      { name: 'boxes', shape: [1, 6, 9, 4] },
    ];
    const metadata = (await (await fetch(`${url}/v2/models/only`)).json()) as { outputs: object[] };
    const parameters = { task: 'detection', kind: 'logits' };
    expect(metadata.outputs).toEqual([
      { name: 'classes', datatype: 'FP32', shape: [-1, 6, 9, 2], parameters },
      { name: 'boxes', datatype: 'FP32', shape: [-1, 6, 9, 4], parameters },
    ]);
    const { status, json } = await infer(url, 'only');
    expect([status, json.outputs]).toMatchObject([200, [classes, boxes]]);
    // [rows, columns, classes + 4]
    const expected = await outputsOf(model, pixels);
    for (let cell = 0; cell < 54; cell++) {
      const own = [
        ...json.outputs[0].data.slice(cell * 2, cell * 2 + 2),
        ...json.outputs[1].data.slice(cell * 4, cell * 4 + 4),
      ];
      for (const [i, value] of own.entries()) expect(value).toBeCloseTo(expected[cell * 6 + i], 5);
    }
  });

  it('sends some of them, in the order of the request, also as bytes', async () => {
    const { url } = await serve();
    const all = (await infer(url, 'only')).json.outputs;
    const { json } = await infer(url, 'only', { outputs: [{ name: 'boxes' }] });
    expect(json.outputs).toEqual([all[1]]);
    const mixed = await infer(url, 'only', {
      outputs: [{ name: 'boxes', parameters: { binary_data: true } }, { name: 'classes' }],
    });
    expect(mixed.json.outputs).toMatchObject([{ name: 'boxes', parameters: { binary_data_size: 864 } }, all[0]]);
    expect([...new Float32Array(Uint8Array.from(mixed.rest).buffer)]).toEqual(all[1].data);
    const both = await infer(url, 'only', { parameters: { binary_data_output: true } });
    const numbers = [...new Float32Array(Uint8Array.from(both.rest).buffer)];
    expect(numbers).toEqual([...all[0].data, ...all[1].data]);
  });

  it('refuses other outputs than its own, and one twice', async () => {
    const { url } = await serve();
    const refusal = async (...names: readonly string[]) => {
      const { status, json } = await infer(url, 'only', { outputs: names.map((name) => ({ name })) });
      return [status, json.error];
    };
    expect(await refusal('outputs')).toEqual([400, 'there is no output "outputs". They are called classes and boxes.']);
    const twice = '2 outputs are requested, one of them twice. only has 2.';
    expect(await refusal('boxes', 'boxes')).toEqual([400, twice]);
  });

  it('has too many numbers for JSON in large maps, not for bytes', async () => {
    const { url } = await serve({ only: { input: [480, 640, 3] } });
    const send = async (outputs: object[]) => {
      const json = {
        inputs: [
          { name: 'image', datatype: 'UINT8', shape: [3, 480, 640, 3], parameters: { binary_data_size: 2764800 } },
        ],
      };
      const text = Buffer.from(JSON.stringify({ ...json, outputs }));
      const response = await fetch(`${url}/v2/models/only/infer`, {
        method: 'POST',
        headers: { 'x-budget-ms': '60000', 'inference-header-content-length': `${text.length}` },
        body: Buffer.concat([text, new Uint8Array(2764800)]),
      });
      return [response.status, Buffer.from(await response.arrayBuffer()).toString('latin1')] as const;
    };
    const [status, error] = await send([]);
    expect([status, JSON.parse(error)]).toEqual([
      413,
      {
        error:
          'the outputs have 345600 numbers, JSON may have 262144. Request them as bytes (the parameter binary_data_output), or send fewer images.',
      },
    ]);
    const [accepted, bytes] = await send([{ name: 'boxes', parameters: { binary_data: true } }, { name: 'classes' }]);
    expect([accepted, bytes.length > 921_600]).toEqual([200, true]);
  });

  it('does not mix maps of different sizes', async () => {
    const { url } = await serve({
      a: {},
      b: { head: { stride: 8 }, metadata: { detection: { stride: 8, most: 150, overlap: 0.6 } } },
    });
    const { status, json } = await infer(url, 'frontier');
    const error = 'the networks of frontier have maps of different sizes. Request one network by its name.';
    expect([status, json.error]).toEqual([400, error]);
    const metadata = (await (await fetch(`${url}/v2/models/frontier`)).json()) as { outputs: object[] };
    expect(metadata.outputs).toMatchObject([{ shape: [-1, -1, -1, 2] }, { shape: [-1, -1, -1, 4] }]);
    expect((await infer(url, 'b')).json.outputs).toMatchObject([{ shape: [1, 3, 5, 2] }, { shape: [1, 3, 5, 4] }]);
  });
});

describe('the file of a detector that cannot be served', () => {
  it.each([
    [{ detection: undefined }, /is a detector, but the key 'detection' of its metadata is missing/],
    [{ detection: { stride: 8, most: 150, overlap: 0.6 } }, /an input of 24 x 36 with the stride 8 has 3 x 5 cells/],
    [{ detection: { stride: 4, most: 150, overlap: 0.6, thresholds: [0.5] } }, /names 1 thresholds and 2 classes/],
  ] as const)('%j', async (metadata, message) => {
    const folder = temporaryFolder();
    writeDetector(folder, 'only', { metadata });
    await expect(readFrontier(folder)).rejects.toThrow(message);
  });
});
