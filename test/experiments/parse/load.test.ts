import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invalidInput, NasError } from '../../../base/errors.js';
import {
  loadExperiment,
  locate,
  parseExperiment,
  trainingOf,
  type LoadOptions,
} from '../../../experiments/parse/index.js';
import { schemaFileText } from '../../../experiments/parse/schema-file.js';
import { finalRepeatsSearch } from '../../../experiments/schema/experiment.js';
import { sharedFolder } from '../../support/temporary.js';

const base = 'name: x\ndata: fashion-mnist\nspace: mobilenet\n';
const parse = (text: string, options?: LoadOptions) => trainingOf(parseExperiment('exp.yaml', text, options));

function messageOf(task: () => unknown): string {
  try {
    task();
  } catch (error) {
    if (error instanceof NasError && error.code === 'invalid-input') return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const home = join(import.meta.dirname, '../../../experiments');
const folder = sharedFolder();

describe('an experiment', () => {
  it('has all defaults resolved', () => {
    const plain = parse(base);
    expect(plain.train.loss).toEqual({ type: 'cross-entropy', label_smoothing: 0 });
    expect(plain.final).toBeNull();
    expect(plain.objectives.map(({ name }) => name)).toEqual(['accuracy', 'latency_ms']);
    const taught = parse(`${base}teacher: train\ntrain: {epochs: 3, batch: 32}\nfinal: {epochs: 9}\n`);
    expect(taught.train.loss?.type).toBe('kd');
    expect(taught.final).toEqual({ ...taught.train, epochs: 9, from: 'nothing', teacher: 'none' });
  });

  it('has a teacher of its frontier in final trainings, where nothing else says what they learn from', () => {
    const teacherOf = (text: string) => parse(`${base}${text}`).final?.teacher;
    expect(teacherOf('final: {epochs: 9}\n')).toBe('frontier');
    for (const text of [
      'teacher: train\nfinal: {epochs: 9}\n',
      'final: {epochs: 9, folds: 5}\n',
      'final: {epochs: 9, loss: {type: cross-entropy}}\n',
      'train: {loss: {type: cross-entropy}}\nfinal: {epochs: 9}\n',
      'final: {epochs: 9, teacher: none}\n',
    ])
      expect(teacherOf(text)).toBe('none');
    expect(() => parse(`${base}teacher: train\nfinal: {epochs: 9, teacher: frontier}\n`)).toThrow(/beside the teacher/);
    expect(() => parse(`${base}final: {epochs: 9, teacher: frontier, folds: 5}\n`)).toThrow(/beside final.folds/);
  });

  it('has the kind of accuracy of its evaluation', () => {
    const named = (text: string) => {
      const { objectives, search, final } = parse(base + text);
      return [objectives.map(({ name }) => name), search.evaluate, final && [final.epochs, final.from]];
    };
    const supernet = 'supernet: {epochs: 4}\n';
    const constrained = 'objectives: [{name: accuracy, constraint: {min: 0.5}}, macs]\n';
    expect(named('')).toEqual([['accuracy', 'latency_ms'], 'train', null]);
    expect(named(supernet)).toEqual([['inherited_accuracy', 'latency_ms'], 'inherit', null]);
    expect(named(`${supernet}final: {epochs: 9}\n`)[2]).toEqual([9, 'supernet']);
    expect(named(`${supernet}final: {epochs: 9, from: nothing}\n`)[2]).toEqual([9, 'nothing']);
    const sliced = `${supernet}search: {evaluate: supernet}\n`;
    expect(named(sliced + constrained)).toEqual([['supernet_accuracy', 'macs'], 'supernet', [5, 'supernet']]);
    expect(named(`${sliced}final: none\n`)[2]).toBeNull();
    expect(parse(base + sliced + constrained).objectives[0].constraint).toEqual({ min: 0.5 });
    const trained = `${supernet}search: {evaluate: train}\nfinal: {epochs: 9}\n`;
    expect(named(trained)).toEqual([['accuracy', 'latency_ms'], 'train', [9, 'supernet']]);
  });

  it('drops a final training that repeats the search', () => {
    const repeats = (text: string) => finalRepeatsSearch(parse(`${base}train: {epochs: 4}\n${text}`));
    expect(repeats('final: {epochs: 4}\n')).toBe(true);
    expect(repeats('final: {epochs: 5}\n')).toBe(false);
    expect(repeats('')).toBe(false);
    const shared = 'supernet: {epochs: 2}\n';
    expect(repeats(`${shared}final: {epochs: 2}\n`)).toBe(true);
    expect(repeats(`${shared}final: {epochs: 2, from: nothing}\n`)).toBe(false);
    expect(repeats(`${shared}search: {evaluate: supernet}\nfinal: {epochs: 2}\n`)).toBe(false);
  });

  it('has given weights for its trainings, supernet or final training', () => {
    const from = `train: {batch: 32, from: model.onnx}\n`;
    const read = (text: string) => parse(base + from + text, { checkFiles: false });
    const { initial, train, final, supernet } = read('final: {epochs: 9}\nsupernet: {epochs: 4}\n');
    expect(initial).toBe(resolve('model.onnx'));
    expect(train).not.toHaveProperty('from');
    expect(supernet).not.toHaveProperty('from');
    expect(final?.from).toBe('supernet');
    expect(read('final: {epochs: 9}\n').final?.from).toBe('weights');
    expect(read('final: {epochs: 9, from: nothing}\n').final?.from).toBe('nothing');
  });

  it('has complete settings of its supernet, or the run of another one', () => {
    const { train, supernet } = parse(`${base}train: {batch: 32, ema: 0.9}\nsupernet: {epochs: 4, hold: 8}\n`);
    expect(supernet).toMatchObject({
      ...train,
      optimizer: { type: train.optimizer.type },
      epochs: 4,
      steps: undefined,
      networks: 2,
      hold: 8,
      calibration: 2048,
    });
    const taken = parse(`${base}supernet: {from: ../first}\n`, { checkFiles: false }).supernet;
    expect(taken).toEqual({ from: resolve('../first') });
  });

  it('turns the latency budget into a constraint, and keeps the tighter bound', () => {
    const max = (text: string) => parse(base + text).objectives.find(({ name }) => name === 'latency_ms')?.constraint;
    expect(max('latency: {budget_ms: 2}\n')).toEqual({ max: 2 });
    expect(max('latency: {budget_ms: 2}\nobjectives: [accuracy]\n')).toEqual({ max: 2 });
    const both = 'objectives: [accuracy, {name: latency, constraint: {min: 0.1, max: 1}}]\n';
    expect(max(`latency: {budget_ms: 2}\n${both}`)).toEqual({ min: 0.1, max: 1 });
    expect(max(`latency: {budget_ms: 0.5}\n${both}`)).toEqual({ min: 0.1, max: 0.5 });
  });

  it('is plain data that parses to itself', () => {
    const { experiment } = loadExperiment(join(home, 'quickstart.yaml'));
    const written = JSON.stringify(experiment, (key, value: unknown) =>
      key === 'final' && value === null ? undefined : value,
    );
    expect(parse(written)).toEqual(experiment);
  });

  it('resolves paths against its folder', () => {
    const file = join(folder, 'folder.yaml');
    writeFileSync(file, 'name: x\ndata: {type: image-folder, path: .}\nspace: mobilenet\n');
    expect(trainingOf(loadExperiment(file)).data.path).toBe(folder);
    expect(trainingOf(loadExperiment(file, { set: ['data.path=.'] })).data.path).toBe(process.cwd());
  });
});

describe('--set', () => {
  const set = (...values: string[]) => parse(base, { set: values });

  it('sets values of any depth, and lists by index', () => {
    expect(set('train.epochs=3', 'train.optimizer={type: adamw}').train).toMatchObject({
      epochs: 3,
      optimizer: { type: 'adamw', learning_rate: 2e-3 },
    });
    const staged = base.replace('mobilenet', '{type: mobilenet, stages: [{filters: 16}]}');
    const { space } = parse(staged, { set: ['space.stages.0.depth=[1, 2]', 'space.stages.1.filters=24'] });
    expect(space).toMatchObject({ stages: [{ filters: [16], depth: [1, 2] }, { filters: [24] }] });
  });

  it('turns a word into a map to set a key inside', () => {
    expect(set('teacher=train', 'teacher.epochs=2').teacher).toMatchObject({ type: 'train', epochs: 2 });
  });

  it('lays a key over a default, which keeps its other keys', () => {
    const { optimizer } = parse(base).train;
    expect(set('train.optimizer.learning_rate=0.2').train.optimizer).toEqual({ ...optimizer, learning_rate: 0.2 });
    expect(set('train.recipe=plain', 'train.optimizer.weight_decay=0.01').train.optimizer).toEqual({
      ...set('train.recipe=plain').train.optimizer,
      weight_decay: 0.01,
    });
    const two = set('train.optimizer.learning_rate=0.2', 'latency.device.threads=3');
    expect(two.train.optimizer).toMatchObject({ learning_rate: 0.2 });
    expect(two.latency.device).toEqual({ ...parse(base).latency.device, threads: 3 });
    expect(() => set('train.optimizer.rate=0.2')).toThrow(
      "--set train.optimizer.rate=0.2: train.optimizer.rate: unknown key 'rate'",
    );
    expect(() => set('teacher.epochs=2')).toThrow('--set teacher.epochs=2: teacher');
    const written = `${base}train: {optimizer: {type: adamw}}\n`;
    expect(parse(written, { set: ['train.optimizer.learning_rate=0.2'] }).train.optimizer).toMatchObject({
      type: 'adamw',
      learning_rate: 0.2,
    });
  });

  it('does not change other uses of an alias', () => {
    const text = `${base}train: &t {epochs: 4}\nfinal: *t\n`;
    const { train, final } = parse(text, { set: ['final.epochs=7'] });
    expect([train.epochs, final?.epochs]).toEqual([4, 7]);
  });

  it.each([
    ['x', '--set x: expected key.path=value'],
    ['train..epochs=1', '--set train..epochs=1: expected key.path=value'],
    ['train.epochs=[1', '--set train.epochs=[1: train.epochs: the value is not YAML'],
    ['train.epohs=1', "--set train.epohs=1: train.epohs: unknown key 'epohs'"],
    ['train.epochs=0', '--set train.epochs=0: train.epochs: got 0; expected a whole number of at least 1'],
    ['name.x=1', '--set name.x=1: name: got {"type":"x","x":1}; expected a text'],
    ['space.stages.0.depth=2', '--set space.stages.0.depth=2: space.stages: got {"0":{"depth":2}}; expected a list'],
    ['objectives.5=macs', '--set objectives.5=macs: objectives: got {"5":"macs"}; expected a list'],
  ])('%s is refused', (argument, message) => {
    expect(messageOf(() => set(argument))).toContain(message);
  });
});

describe('mistakes', () => {
  it('are listed in the order of the lines', () => {
    const text = `${base}train: {epochs: x}\nsearch: {trials: x}\nseed: x\n${'# a\n'.repeat(5)}engine: x\n`;
    const lines = [...messageOf(() => parse(text)).matchAll(/exp\.yaml:(\d+):/g)].map(([, line]) => Number(line));
    expect(lines).toEqual([4, 5, 6, 12]);
  });

  it('found later have the position of their cause', () => {
    const loaded = parseExperiment('exp.yaml', base);
    const error = locate(loaded, ['space'], invalidInput('no room for the stages'));
    expect(error).toMatchObject({ code: 'invalid-input', message: 'exp.yaml:3:8: space: no room for the stages' });
    const other = new Error('a bug');
    expect(locate(loaded, ['space'], other)).toBe(other);
  });

  it.each([
    ['nowhere.yaml', 'there is no such file'],
    ['.', 'is a folder'],
    [join(home, 'quikstart.yaml'), "did you mean '"],
  ])('in the name of the file: %s', (file, message) => {
    expect(messageOf(() => loadExperiment(file))).toContain(message);
  });

  it('in random text are a NasError, never a crash', () => {
    const scalar = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.boolean());
    const value = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.string(), scalar, { maxKeys: 3 }),
    );
    const keys = 'name seed data space teacher train latency objectives search final engine other'.split(' ');
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), fc.string(), (experiment, garbage) => {
        for (const text of [JSON.stringify(experiment), `${base}${garbage}`]) {
          try {
            parse(text, { checkFiles: false });
          } catch (error) {
            expect(error).toBeInstanceOf(NasError);
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe('shipped', () => {
  const files = readdirSync(home).filter((file) => file.endsWith('.yaml'));

  it.each(files)('%s is valid and names its schema', (file) => {
    const { experiment, source } = loadExperiment(join(home, file), { checkFiles: false });
    expect(experiment.name).toBe(file.replace('.yaml', ''));
    expect(source).toMatch(/^# yaml-language-server: \$schema=\.\/experiment\.schema\.json\n/);
  });

  it('experiment.schema.json is up to date', () => {
    expect(readFileSync(resolve(home, 'experiment.schema.json'), 'utf8')).toBe(schemaFileText());
  });
});
