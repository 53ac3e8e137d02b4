import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NasError } from '../../../base/errors.js';
import { withMetadata } from '../../../deploy/metadata.js';
import { readFrontier } from '../../../serve/models/frontier.js';
import { tinyClassifier } from '../../deploy/tiny-onnx.js';
import { temporaryFolder } from '../../support/temporary.js';
import { colourNetworks, greyNetwork, greyNetworks, tinyNetwork, writeFrontier, writeNetwork } from '../models.js';

const write = (file: string, content: Uint8Array | string): void => {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
};

const linear = { input: ['N', 8, 8, 1], features: 64, classes: 3, weights: new Float32Array(64 * 3) };

/** Why a model of a folder cannot be served. */
const failure = async (folder: string, name: string): Promise<string> =>
  (await readFrontier(folder)).failures.find((one) => one.name === name)?.reason ?? 'it is served';

/** A linear classifier without metadata. */
const foreign = (input: readonly (number | string)[], features: number): Uint8Array =>
  tinyClassifier({ input, features, classes: 3, weights: new Float32Array(features * 3) });

async function refusal(path: string): Promise<{ readonly message: string; readonly hint: string | undefined }> {
  const error: unknown = await readFrontier(path).then(
    () => new Error('it was read'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof NasError)) throw error;
  expect(error.code).toBe('invalid-input');
  return { message: error.message, hint: error.hint };
}

describe('readFrontier', () => {
  it('reads the metadata of files, sorted by name', async () => {
    const folder = temporaryFolder();
    const written = writeFrontier(folder, greyNetworks);
    write(join(folder, 'notes.txt'), 'of no interest');
    write(join(folder, '.hidden.onnx'), 'of no interest');
    expect(await readFrontier(folder)).toEqual({ ...written, failures: [] });
  });

  it('accepts one file, also without metadata', async () => {
    const folder = temporaryFolder();
    const { file } = writeNetwork(folder, greyNetwork({ name: 'foreign', normalisation: null }));
    const { models, choice } = await readFrontier(file);
    expect(models).toMatchObject([
      {
        name: 'foreign',
        size: [28, 28, 1],
        layout: 'NHWC',
        classes: ['0', '1', '2'],
        normalisation: null,
        accuracy: null,
        precision: 'fp32',
        sha256: createHash('sha256').update(readFileSync(file)).digest('hex'),
      },
    ]);
    expect(choice).toEqual(models);
  });

  it('accepts folders of exports, named by the folders, also behind links', async () => {
    const folder = temporaryFolder();
    for (const network of greyNetworks) write(join(folder, network.name, 'model.onnx'), tinyNetwork(network));
    const elsewhere = temporaryFolder();
    write(join(elsewhere, 'model.onnx'), tinyNetwork(greyNetworks[0]));
    symlinkSync(elsewhere, join(folder, 'trial-9'));
    const { models } = await readFrontier(folder);
    expect(models.map(({ name }) => name)).toEqual(['trial-1', 'trial-2', 'trial-3', 'trial-9']);
    expect((await readFrontier(join(folder, 'trial-2'))).models[0].name).toBe('trial-2');
  });

  it('gives unique URL-safe names', async () => {
    const folder = temporaryFolder();
    const content = tinyNetwork(greyNetworks[0]);
    for (const file of ['größe 2.onnx', 'a b.onnx', 'a%b.onnx', 'frontier.onnx', 'a-b/model.onnx', '字/model.onnx'])
      write(join(folder, file), content);
    const { models } = await readFrontier(folder);
    const names = models.map(({ name }) => name);
    expect(new Set(names)).toEqual(new Set(['a-b', 'a-b-2', 'a-b-3', 'frontier-2', 'gro-e-2', 'model']));
    for (const name of names) expect(encodeURIComponent(name)).toBe(name);
  });

  it('chooses among models of known accuracy only, preferring the test split', async () => {
    const folder = temporaryFolder();
    writeNetwork(folder, greyNetworks[0]);
    writeNetwork(folder, greyNetwork({ name: 'unknown', accuracy: null }));
    writeNetwork(folder, greyNetwork({ name: 'without-metadata', normalisation: null }));
    const { models, choice } = await readFrontier(folder);
    expect(models).toHaveLength(3);
    expect(choice.map(({ name }) => name)).toEqual(['trial-1']);
  });

  it('accepts networks for different images side by side', async () => {
    const folder = temporaryFolder();
    const written = writeFrontier(folder, [...greyNetworks, ...colourNetworks]);
    expect((await readFrontier(folder)).choice).toEqual(written.choice);
  });

  it('serves the models whose classes most share, and names both files for another one', async () => {
    const folder = temporaryFolder();
    for (const network of greyNetworks.slice(0, 2)) writeNetwork(folder, network);
    writeNetwork(folder, greyNetwork({ name: 'other', classes: ['cat', 'dog', 'plane'] }));
    expect((await readFrontier(folder)).models.map(({ name }) => name)).toEqual(['trial-1', 'trial-2']);
    expect(await failure(folder, 'other')).toMatch(
      /other\.onnx and .*trial-1\.onnx have different outputs: classification of cat, dog, plane; classification of cat, dog, ship/,
    );
  });

  it('reads missing metadata from metadata.json', async () => {
    const file = join(temporaryFolder(), 'resnet', 'model.onnx');
    write(file, foreign(['N', 3, 'height', 'width'], 192));
    expect(await refusal(file)).toMatchObject({
      message: expect.stringMatching(
        /model\.onnx takes input: float32\[N, 3, height, width\]: the image size/,
      ) as string,
      hint: expect.stringContaining(join('resnet', 'metadata.json')) as string,
    });
    const said = { input: [8, 8, 3], layout: 'NCHW', classes: ['a', 'b', 'c'], mean: [0, 0, 0], std: [1, 1, 1] };
    write(join(dirname(file), 'metadata.json'), JSON.stringify({ ...said, accuracy: { validation: 0.75 } }));
    expect((await readFrontier(file)).models).toMatchObject([
      { name: 'resnet', size: [8, 8, 3], layout: 'NCHW', classes: ['a', 'b', 'c'], accuracy: 0.75 },
    ]);
    write(join(dirname(file), 'metadata.json'), '{"input": ');
    expect((await refusal(file)).message).toMatch(/metadata\.json cannot be used: .*JSON/);
    // It is ignored beside two models.
    write(join(dirname(file), 'second.onnx'), tinyNetwork(greyNetworks[0]));
    expect(await failure(dirname(file), 'resnet')).toMatch(/model\.onnx takes input/);
  });

  it("prefers the file's own metadata", async () => {
    const folder = temporaryFolder();
    writeNetwork(folder, greyNetworks[0]);
    write(join(folder, 'metadata.json'), '{"classes": ["a", "b", "c"], "accuracy": {"test": 0.1}}');
    expect((await readFrontier(folder)).models).toMatchObject([{ classes: ['cat', 'dog', 'ship'], accuracy: 0.6 }]);
  });

  it.each<readonly [string, Uint8Array | string, RegExp]>([
    ['damaged', tinyNetwork(greyNetworks[0]).subarray(0, -200), /bad\.onnx is not an ONNX model/],
    ['empty', '', /bad\.onnx is not an ONNX model: it is empty/],
    ['no classifier', tinyClassifier({ ...linear, secondInput: true }), /bad\.onnx has 2 inputs/],
    ['of bytes', tinyClassifier({ ...linear, inputType: 'uint8' }), /bad\.onnx takes input: uint8/],
    ['of no images', foreign(['N', 64], 64), /bad\.onnx takes input: float32\[N, 64\]/],
    [
      'named wrongly',
      withMetadata(foreign(['N', 8, 8, 1], 64), { classes: ['a', 'b'] }),
      /bad\.onnx has 3 outputs but names 2 classes: a, b/,
    ],
  ])('names a file that is %s, and reads the others', async (_, content, message) => {
    const folder = temporaryFolder();
    write(join(folder, 'bad.onnx'), content);
    expect((await refusal(folder)).message).toMatch(message);
    writeNetwork(folder, greyNetworks[0]);
    expect((await readFrontier(folder)).models).toMatchObject([{ name: 'trial-1' }]);
    expect(await failure(folder, 'bad')).toMatch(message);
  });

  it('explains why a path cannot be read', async () => {
    const folder = temporaryFolder();
    expect((await refusal(join(folder, 'none'))).message).toMatch(/none: cannot be read: ENOENT/);
    expect(await refusal(folder)).toMatchObject({
      message: expect.stringContaining('this folder has no .onnx file') as string,
      hint: expect.stringContaining('nas export') as string,
    });
    write(join(folder, 'a.txt'), '');
    expect((await refusal(join(folder, 'a.txt'))).message).toMatch(/a\.txt is not an ONNX model/);
  });

  it('refuses networks of different tasks, and numbers without their means', async () => {
    const folder = temporaryFolder();
    const classes = ['cat', 'dog', 'ship'];
    writeFrontier(folder, [
      greyNetwork({ name: 'a', classes }),
      greyNetwork({ name: 'b', classes, task: { type: 'multi-label' } }),
    ]);
    expect(await failure(folder, 'b')).toMatch(
      /b\.onnx and .*a\.onnx have different outputs: multi-label of cat, dog, ship; classification of cat, dog, ship/,
    );
    const task = { type: 'regression', mean: [1], std: [1] } as const;
    const { file } = writeNetwork(temporaryFolder(), greyNetwork({ name: 'c', classes, task }));
    expect((await refusal(file)).message).toMatch(
      /c\.onnx has 1 \(mean\) and 1 \(std\) of its numbers, which are 3: cat, dog, ship/,
    );
  });
});
