import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx, type ModelMetadata } from '../../deploy/index.js';
import { checkInitial, convertInitial, sharedWeightsOf } from '../../runner/initial-weights/index.js';
import { createSpace, extremes, memberOf, spaceSchema, type Member, type Space } from '../../spaces/index.js';
import { drawWeights, weightSpecs, type Weights } from '../../spaces/models/index.js';
import { describeDataset, prepareDataset, readTensorFile, spaceTask, type DatasetRef } from '../../trainers/index.js';
import { makeBoxedImages } from '../support/boxed-images.js';
import { sharedFolder } from '../support/temporary.js';
import { detectorSpace } from './boxes-experiment.js';
import { metadataFor } from '../deploy/support/classifiers.js';

const folder = sharedFolder();
const classes = ['square', 'disc'];
let dataset: DatasetRef;
let space: Space;
let member: Member;
let weights: Weights;
beforeAll(async () => {
  dataset = await prepareDataset(await makeBoxedImages(join(folder, 'images'), { count: 20 }), { cache: folder });
  const task = spaceTask(describeDataset(dataset), 'detection');
  space = await createSpace(spaceSchema.parse(detectorSpace), task);
  member = memberOf(space, extremes(space).largest.genotype);
  weights = drawWeights(weightSpecs(member.network), 7);
});

const headOf = (shared: Weights, name: string) => [...shared].find(([own]) => own.startsWith(name))?.[1];

describe('train.from of detectors', () => {
  it('gives the classes of the data in their order, and no others', () => {
    const { network, places } = member;
    const sharedFor = (own: readonly string[] | null): Weights =>
      sharedWeightsOf(
        { kind: 'network', model: { network, weights }, places, isForeign: false, classes: own, folded: false },
        classes,
      );
    const [same, turned, others] = [classes, classes.toReversed(), ['cat', 'dog']].map(sharedFor);
    const bias = (shared: Weights) => headOf(shared, 'classes')?.data.slice(0, 2);
    expect(bias(turned)).toEqual(bias(same)?.toReversed());
    expect(headOf(others, 'classes')).toBeUndefined();
    expect(headOf(others, 'boxes')).toBeDefined();
  });

  const metadata = (more: Partial<ModelMetadata>): ModelMetadata => {
    const { network, places } = member;
    const about = { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], network, places: [...places] };
    return metadataFor(network.input, classes, { ...about, ...more });
  };

  it('takes all layers of the file of a detector, and the backbone of a classifier', async () => {
    const file = join(folder, 'detector.onnx');
    const { network } = member;
    writeFileSync(file, exportOnnx({ network, weights }, metadata({ task: { type: 'detection' } })));
    const { note } = await checkInitial(file, space, { classes, channels: 3 });
    expect(note).toContain('the largest network of the space takes all');
    const classifier = { ...network, classes: 5, head: { filters: 16, act: 'relu', dropout: 0 } } as const;
    const known = ['a', 'b', 'c', 'd', 'e'];
    const own = drawWeights(weightSpecs(classifier), 8);
    const path = join(folder, 'classifier.onnx');
    const { input } = classifier;
    writeFileSync(
      path,
      exportOnnx({ network: classifier, weights: own }, metadata({ classes: known, network: classifier, input })),
    );
    const from = await checkInitial(path, space, { classes, channels: 3 });
    expect(from.note).toMatch(/the largest network of the space takes \d+ of \d+ layers/);
    await convertInitial(path, { space, dataset, file: join(folder, 'initial.bin'), meta: {} });
    const { tensors } = readTensorFile(join(folder, 'initial.bin'));
    expect(tensors.get('stem/kernel')?.shape).toEqual(own.get('stem/kernel')?.shape);
    expect([...tensors.keys()].some((name) => name.startsWith('classes'))).toBe(false);
  });
});
