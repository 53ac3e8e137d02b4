import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx, type ModelMetadata } from '../../../deploy/index.js';
import { checkInitial, convertInitial, initialContent } from '../../../runner/initial-weights/index.js';
import {
  choicesOf,
  createSpace,
  extremes,
  memberOf,
  sharedName,
  spaceSchema,
  type Member,
  type Space,
} from '../../../spaces/index.js';
import { drawWeights, weightSpecs, type Weights } from '../../../spaces/models/index.js';
import { describeDataset, readTensorFile, saveWeights, type DatasetInfo } from '../../../trainers/index.js';
import { storedRun } from '../../cli/stored-run.js';
import { temporaryFolder } from '../../support/temporary.js';
import { sharedWorkbench } from '../../trainers/support/tiny-training.js';
import { metadataFor } from '../../deploy/support/classifiers.js';

/** Ten other classes than the data's. */
const digits = '0123456789'.split('');

const bench = sharedWorkbench();
let data: DatasetInfo;
let space: Space;
let member: Member;
let weights: Weights;

const config = {
  type: 'mobilenet',
  stem: { filters: 8, kernel: 3, stride: 1, act: 'relu' },
  stages: [
    { filters: [8, 16], depth: [1, 2], kernel: [3, 5], expand: [2, 3], stride: 2, act: 'relu', se: 0 },
    { filters: 16, depth: 1, kernel: 3, expand: 2, stride: 2, act: 'hard_swish', se: 0.25 },
  ],
  head: { filters: 24, act: 'hard_swish', dropout: 0 },
};

beforeAll(async () => {
  data = describeDataset(bench.dataset);
  const task = { input: [data.height, data.width, data.channels] as const, classes: data.classes.length };
  space = await createSpace(spaceSchema.parse(config), task);
  // Neither the largest nor the smallest.
  member = memberOf(space, [1, 0, 0, 1, 1, 0]);
  weights = drawWeights(weightSpecs(member.network), 3);
});

const metadata = (changes: Partial<ModelMetadata> = {}): ModelMetadata => {
  const { network, places } = member;
  return metadataFor(network.input, data.classes, { mean: data.mean, std: data.std, network, places, ...changes });
};

function onnx(changes: Partial<ModelMetadata> = {}): string {
  const file = join(temporaryFolder(), 'model.onnx');
  writeFileSync(file, exportOnnx({ network: member.network, weights }, metadata(changes)));
  return file;
}

async function converted(path: string): Promise<Weights> {
  const file = join(temporaryFolder(), 'initial.bin');
  await convertInitial(path, { space, dataset: bench.dataset, file, meta: { from: path } });
  const { tensors, meta } = readTensorFile(file);
  expect(meta).toEqual({ from: path });
  return tensors;
}

/** The folder of a trial, or of something else, in the workdir of a run, with weights. */
async function storedWeights(place: string, of: Weights, classes?: readonly string[]): Promise<string> {
  const workdir = temporaryFolder();
  await storedRun(workdir, 1, { classes });
  const folder = join(workdir, 'artifacts', place);
  mkdirSync(folder, { recursive: true });
  saveWeights(of, join(folder, 'weights.bin'));
  return folder;
}

describe('weights to start from', () => {
  it('are matched with the file by place', async () => {
    const found = await converted(onnx());
    expect([...found.keys()].sort()).toEqual([...weights.keys()].map((name) => sharedName(member, name)).sort());
    const depthwise = found.get('stage2.1_depthwise/depthwise_kernel');
    // Folding multiplied it by what batch norm's variance of 1 comes to.
    const own = weights.get(`block${member.places.indexOf('stage2.1') + 1}_depthwise/depthwise_kernel`);
    own?.data.forEach((value, i) => expect(depthwise?.data[i]).toBeCloseTo(value / Math.sqrt(1.001), 5));
  });

  it('say how much of the largest and the smallest network they are', async () => {
    const { note, sizes } = await checkInitial(onnx(), space, data);
    // Batch norm was folded into its kernels: images in its own size give the statistics back.
    expect(sizes).toEqual([[10, 10]]);
    expect(note).toMatch(
      /the largest network of the space takes 5 of 14 layers \(24 % of the weights\) from it, the smallest all 11 layers$/,
    );
  });

  it("have a head in the data's order of classes, chosen by their names", async () => {
    const turned = [...data.classes].reverse();
    const same = (await converted(onnx())).get('logits/kernel');
    const kernel = (await converted(onnx({ classes: turned }))).get('logits/kernel');
    const columns = data.classes.length;
    expect(kernel?.data.map((_, i) => kernel.data[i - (i % columns) + (columns - 1 - (i % columns))])).toEqual(
      same?.data,
    );
    const others = await converted(onnx({ classes: [...turned.slice(1), 'another'] }));
    expect(others.has('logits/kernel') || others.has('logits/bias')).toBe(false);
  });

  it('of a file that does not say its places are known by its decisions, where they build its network here', async () => {
    const decisions = choicesOf(space.decisions, member.genotype);
    const old = onnx({ places: undefined, decisions });
    expect(await converted(old)).toEqual(await converted(onnx()));
    const other = choicesOf(space.decisions, extremes(space).smallest.genotype);
    await expect(checkInitial(onnx({ places: undefined, decisions: other }), space, data)).rejects.toThrow(
      /does not say where the blocks of its network are/,
    );
    await expect(checkInitial(onnx({ places: undefined }), space, data)).rejects.toThrow(
      /does not say where the blocks/,
    );
  });

  it('may be shared ones, whose head is taken when their run had the same classes', async () => {
    const shared = new Map([...weights].map(([name, value]) => [sharedName(member, name), value]));
    const body = new Map([...shared].filter(([name]) => !name.startsWith('logits/')));
    const write = async (classes: readonly string[]): Promise<string> =>
      join(await storedWeights('supernet', shared, classes), 'weights.bin');
    expect(await converted(await write(data.classes))).toEqual(shared);
    expect(await converted(await write(digits))).toEqual(body);
    expect((await checkInitial(await write(digits), space, data)).note).toMatch(
      /The head starts at random: the file has other classes \(it lacks /,
    );
    const file = join(temporaryFolder(), 'weights.bin');
    saveWeights(shared, file);
    expect(await converted(file)).toEqual(body);
    expect((await checkInitial(file, space, data)).note).toMatch(/at random: the file does not name its classes$/);
  });

  it('of a trial have the head of its run only when the classes are the same', async () => {
    const hasHead = async (classes?: readonly string[]) =>
      (await converted(await storedWeights('search/00000', weights, classes))).has('logits/kernel');
    expect([await hasHead(data.classes), await hasHead(digits), await hasHead()]).toEqual([true, false, false]);
  });

  it('are refused when nothing fits, the images have other channels, or it is not known whose they are', async () => {
    const file = join(temporaryFolder(), 'weights.bin');
    saveWeights(new Map([['stage9.1_expand/kernel', { shape: [1, 1, 2, 3], data: new Float32Array(6) }]]), file);
    await expect(checkInitial(file, space, data)).rejects.toThrow(
      /nothing in .* fits the networks of the space mobilenet \(it has stage9.1_expand\/kernel \[1, 1, 2, 3\]\)/,
    );
    await expect(checkInitial(onnx(), space, { ...data, channels: 3 })).rejects.toThrow(
      /takes images with 1 channels; the data's have 3/,
    );
    saveWeights(weights, file);
    await expect(checkInitial(file, space, data)).rejects.toThrow(/does not say which network it is of/);
    await expect(checkInitial(onnx({ places: undefined, shrunk_from: 'trial 3' }), space, data)).rejects.toThrow(
      /is of a network that was shrunk/,
    );
    const folder = join(temporaryFolder(), 'empty');
    mkdirSync(folder);
    await expect(checkInitial(folder, space, data)).rejects.toThrow(/holds neither model.onnx nor model.json/);
  });

  it('in the folder of a run belong to a trial, never to another network with the same number', async () => {
    await expect(checkInitial(await storedWeights('search/00000', weights), space, data)).resolves.toMatchObject({
      note: expect.stringMatching(/^Trainings start from/) as string,
      sizes: [],
    });
    await expect(checkInitial(await storedWeights('elsewhere/00000', weights), space, data)).rejects.toThrow(
      /does not say which network it is of/,
    );
  });

  it('are the same by their content', () => {
    const [a, b] = [onnx(), onnx()];
    expect(initialContent(a)).toBe(initialContent(b));
    expect(initialContent(a)).not.toBe(initialContent(onnx({ trial: 3 })));
  });
});
