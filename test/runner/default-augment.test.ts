import { describe, expect, it } from 'vitest';
import { parseExperiment, trainingOf } from '../../experiments/parse/index.js';
import { defaultAugmentNotes, fixedIn, taughtAugment, withDefaultAugment } from '../../runner/default-augment.js';
import type { TrainConfig } from '../../trainers/index.js';

const photographs = '{type: image-folder, path: x, size: 32}';

/** An experiment, settled as in a new run. */
function settled(keys: string, data = photographs) {
  const text = `name: x\ndata: ${data}\nspace: mobilenet\n${keys}\n`;
  const loaded = parseExperiment('exp.yaml', text, { checkFiles: false });
  const isFixed = fixedIn(loaded.written);
  const result = withDefaultAugment(trainingOf(loaded), isFixed);
  return { ...result, notes: defaultAugmentNotes(result, isFixed) };
}

const types = (config: TrainConfig | null | undefined) => config?.augment.map(({ type }) => type);
const [light, strong] = [
  ['flip', 'crop'],
  ['flip', 'crop', 'trivial-augment'],
];
const long = 'train: {epochs: 5}\nfinal: {epochs: 400}';

describe('withDefaultAugment', () => {
  it('changes photographs more in trainings that show each of them often', () => {
    const { train, final } = settled(long);
    expect(types(train)).toEqual(light);
    expect(types(final)).toEqual(strong);
    expect(types(settled('train: {epochs: 400}').train)).toEqual(strong);
  });

  it('counts shares of epochs', () => {
    expect(types(settled('train: {epochs: 400, epoch_share: 0.01}').train)).toEqual(light);
  });

  it('chooses for a supernet by its own length', () => {
    const { train, supernet } = settled('train: {epochs: 5}\nsupernet: {epochs: 400}');
    expect(types(train)).toEqual(light);
    expect(types(supernet as TrainConfig)).toEqual(strong);
  });

  it('keeps what is written, for all trainings or for one', () => {
    const whole = settled('train: {epochs: 5, augment: [crop]}\nfinal: {epochs: 400}');
    expect(types(whole.train)).toEqual(['crop']);
    expect(types(whole.final)).toEqual(['crop']);
    const own = settled('train: {epochs: 400}\nfinal: {epochs: 400, augment: [flip]}');
    expect(types(own.train)).toEqual(strong);
    expect(types(own.final)).toEqual(['flip']);
    const same = settled('train: {epochs: 400, augment: [flip, {type: crop, pixels: 2}]}');
    expect(types(same.train)).toEqual(light);
  });

  it('adds nothing to the recipe plain', () => {
    expect(types(settled('train: {recipe: plain, epochs: 400}').train)).toEqual([]);
  });

  it('gives all students of a teacher the augmentation of train, and those of the frontier where none is written', () => {
    expect(types(settled(`${long}\nteacher: train`).final)).toEqual(light);
    const taught = (keys: string) => {
      const experiment = settled(keys);
      const { final } = experiment;
      return final && taughtAugment(experiment, final).map(({ type }) => type);
    };
    expect(taught(long)).toEqual(light);
    expect(taught('train: {epochs: 5}\nfinal: {epochs: 400, augment: [flip]}')).toEqual(['flip']);
  });

  it('keeps the values of a resumed run', () => {
    const text = `name: x\ndata: ${photographs}\nspace: mobilenet\n${long}`;
    const stored = trainingOf(parseExperiment('exp.yaml', text, { checkFiles: false }));
    expect(withDefaultAugment(stored, () => true)).toEqual(stored);
  });
});

describe('defaultAugmentNotes', () => {
  it('name the augmentation of each training that has a default', () => {
    expect(settled(long).notes).toEqual([
      'train.augment: [flip, {type: crop, pixels: 2}], the default for these images where each is shown 5 times',
      'final.augment: [flip, {type: crop, pixels: 2}, {type: trivial-augment, strength: 1}], the default for these images where each is shown 400 times; the networks that the frontier teaches have train.augment',
    ]);
  });

  it('say nothing of an augmentation that is written, or of none', () => {
    expect(settled('train: {augment: [flip]}', 'fashion-mnist').notes).toEqual([]);
    expect(settled('train: {recipe: plain}').notes).toEqual([]);
  });
});
