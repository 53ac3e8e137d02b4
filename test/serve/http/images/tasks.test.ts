import { describe, expect, it } from 'vitest';
import { createDecoder } from '../../../../serve/images/decoder.js';
import { readFrontier } from '../../../../serve/models/frontier.js';
import { renderingOf } from '../../../../serve/models/model.js';
import { picture } from '../../images/pictures.js';
import { colourNetwork, writeFrontier, type TinyNetwork } from '../../models.js';
import { testPool } from '../../inference/pools.js';
import { outputsOf } from '../../reference.js';
import { checkablePool, serviceOf, testServer } from '../server.js';
import { temporaryFolder } from '../../../support/temporary.js';
import { postImage, type Answered } from './post.js';
import { inJson } from '../open-inference/requests.js';

const decoder = createDecoder({ parallel: 2, maxPixels: 1e6 });
const png = await picture({ width: 64, height: 48 }).png().toBuffer();

const multiLabel = { type: 'multi-label' } as const;
const numbersOf = (count: number): TinyNetwork['task'] => ({
  type: 'regression',
  mean: new Array<number>(count).fill(31),
  std: new Array<number>(count).fill(10),
});

const network = (task: TinyNetwork['task'], more: Partial<TinyNetwork> = {}): TinyNetwork =>
  colourNetwork({
    name: 'only',
    task,
    outputs: task.type === 'regression' ? 'numbers' : 'logits',
    classes: ['wing', 'wheel', 'sail'],
    ...more,
  });

/** A server of these networks, and the outputs of each file alone for the picture. */
async function serve(networks: readonly TinyNetwork[]) {
  const folder = temporaryFolder();
  writeFrontier(folder, networks);
  const frontier = await readFrontier(folder);
  const url = await testServer(serviceOf(await testPool({ frontier })), { decoder });
  const outputs = new Map<string, Float32Array>();
  for (const model of frontier.models) {
    const rendering = renderingOf(model);
    const pixels = await decoder.decode(png, { deadline: Infinity, isGone: () => false, client: 'test', rendering });
    outputs.set(model.name, await outputsOf(model, pixels));
  }
  return { url, outputs: (name = 'only') => outputs.get(name) ?? expect.fail(name) };
}

const post = (url: string, path: string) =>
  postImage(url + path, png) as Promise<Answered<{ results: Record<string, unknown>[] }>>;

const get = async (url: string): Promise<unknown> => (await fetch(url)).json();

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

describe('POST /v1/label', () => {
  const names = ['wing', 'wheel', 'sail'];
  const ranked = (probabilities: readonly number[]) =>
    probabilities
      .map((probability, i) => ({
        label: names[i],
        probability: expect.closeTo(probability, 6) as number,
        predicted: probability > 0.5,
        at: probability,
      }))
      .sort((a, b) => b.at - a.at)
      .map(({ label, probability, predicted }) => ({ label, probability, predicted }));

  it('gives the probability of each label, most likely first', async () => {
    const { url, outputs } = await serve([network(multiLabel)]);
    const { status, body } = await post(url, '/v1/label');
    expect(status).toBe(200);
    expect(body.results).toEqual([
      {
        labels: ranked(Array.from(outputs(), sigmoid)),
        network: 'only',
        map: 0.5,
        ms: { queued: expect.any(Number) as number, computed: expect.any(Number) as number },
        batch: 1,
      },
    ]);
    const two = await post(url, '/v1/label?top=2');
    expect(two.body.results[0].labels).toEqual(ranked(Array.from(outputs(), sigmoid)).slice(0, 2));
  });

  it('takes the outputs of a network that ends in a sigmoid as they are', async () => {
    const { url, outputs } = await serve([network(multiLabel, { outputs: 'probabilities' })]);
    expect((await post(url, '/v1/label')).body.results[0].labels).toEqual(ranked([...outputs()]));
  });

  it('knows that a sum gives logits, although they look like probabilities', async () => {
    // All outputs are next to 0.
    const { url, outputs } = await serve([
      network(multiLabel, { normalisation: { mean: [0, 0, 0], std: [1e3, 1e3, 1e3] } }),
    ]);
    expect((await post(url, '/v1/label')).body.results[0].labels).toEqual(ranked(Array.from(outputs(), sigmoid)));
  });

  it('answers the choice of networks of both kinds of outputs in logits, over the Open Inference Protocol', async () => {
    const { url, outputs } = await serve([
      network(multiLabel, { name: 'a', accuracy: 0.9, outputs: 'probabilities' }),
      network(multiLabel, { name: 'b', accuracy: 0.8 }),
    ]);
    expect(await get(`${url}/v2/models/frontier`)).toMatchObject({
      outputs: [{ name: 'outputs', parameters: { task: 'multi-label', kind: 'logits' } }],
    });
    const pixels = await picture({ width: 64, height: 48 }).resize(32, 32, { fit: 'fill' }).raw().toBuffer();
    const infer = async (model: string) => {
      const image = { name: 'image', datatype: 'UINT8', shape: [1, 32, 32, 3], data: [...pixels] };
      const response = await fetch(`${url}/v2/models/${model}/infer`, inJson({ inputs: [image] }));
      return (await response.json()) as { outputs: { data: number[] }[] };
    };
    const [probabilities, logits] = [await infer('a'), await infer('frontier')];
    for (const [i, p] of probabilities.outputs[0].data.entries())
      expect(logits.outputs[0].data[i]).toBeCloseTo(Math.log(p / (1 - p)), 4);
    expect(outputs('a')).toHaveLength(3);
  });
});

describe('POST /v1/predict', () => {
  it.each(['wing wheel sail', 'age'])('gives the numbers of the file by name: %s', async (names) => {
    const classes = names.split(' ');
    const { url, outputs } = await serve([network(numbersOf(classes.length), { classes, accuracy: -0.25 })]);
    const { status, body } = await post(url, '/v1/predict');
    expect(status).toBe(200);
    expect(body.results).toMatchObject([{ network: 'only', r2: -0.25, batch: 1 }]);
    const numbers = Object.entries(body.results[0].numbers as Record<string, number>);
    expect(numbers.map(([name]) => name)).toEqual(classes);
    for (const [i, [, value]] of numbers.entries()) expect(Math.abs(value / outputs()[i] - 1)).toBeLessThan(1e-6);
    expect(await get(`${url}/v2/models/only`)).toMatchObject({
      outputs: [{ name: 'numbers', parameters: { task: 'regression', kind: 'numbers' } }],
      classes,
    });
  });
});

describe('a network of another task', () => {
  it.each([
    [
      { type: 'classification' },
      '/v1/label',
      'only was made for classification, /v1/label is for multi-label',
      'classify',
    ],
    [multiLabel, '/v1/classify', 'only was made for multi-label, /v1/classify is for classification', 'label'],
    [numbersOf(3), '/v1/classify?top=1', 'only was made for regression, /v1/classify is for classification', 'predict'],
  ] as const)('%o: %s names the right request', async (task, path, error, right) => {
    const { url } = await serve([network(task)]);
    expect(await post(url, `${path}${path.includes('?') ? '&' : '?'}network=only`)).toEqual({
      status: 422,
      body: { error: `${error}. Send the image to /v1/${right}.` },
    });
  });
});

it('an output that is not finite is an error', async () => {
  for (const [task, path] of [
    [{ type: 'classification' }, '/v1/classify'],
    [multiLabel, '/v1/label'],
    [numbersOf(3), '/v1/predict'],
  ] as const) {
    const frontier = writeFrontier(temporaryFolder(), [network(task)]);
    const outputs = Float32Array.of(1, 0, 0);
    const answer = { model: frontier.models[0], outputs, batch: 1, queuedMs: 0, computedMs: 0 };
    const url = await testServer(serviceOf(checkablePool(frontier, { run: () => Promise.resolve([answer]) })), {
      decoder,
    });
    for (const value of [NaN, Infinity, -Infinity]) {
      outputs[1] = value;
      const { status, body } = await post(url, path);
      expect([status, body]).toEqual([500, { error: expect.stringMatching(/values that are not finite/) as string }]);
    }
  }
});
