import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { locatingNowhere, parseExperiment } from '../../../experiments/parse/index.js';
import { warmStart, type WarmStartInput } from '../../../runner/warm-start/index.js';
import { Store } from '../../../store/index.js';
import {
  choicesOf,
  costs,
  createSpace,
  presetNetworks,
  tableSpace,
  spaceSchema,
  type Space,
  type Task,
} from '../../../spaces/index.js';
import { sharedFolder } from '../../support/temporary.js';
import { objectives } from '../../search/support.js';
import { newTrial, meta } from '../../store/support.js';

const task: Task = { input: [28, 28, 1], classes: 10 };
const table = tableSpace('ops', [
  { name: 'op', choices: ['conv', 'pool', 'skip'] },
  { name: 'kernel', choices: [3, 5, 7] },
  { name: 'se', choices: [false, true] },
]);
const folder = sharedFolder();
let mobilenet: Space;
beforeAll(async () => {
  mobilenet = await createSpace(spaceSchema.parse({ type: 'mobilenet' }), task);
});

const start = (search: Partial<WarmStartInput['search']>, changes: Partial<WarmStartInput> = {}) =>
  warmStart(
    { search: { trials: 50, ...search }, objectives, seed: 1, space: table, networks: null, ...changes },
    locatingNowhere,
  );

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('search.enqueue', () => {
  it('takes choices by the names of decisions, under a name or not, each network once', async () => {
    const { enqueued, notes } = await start({
      enqueue: [
        { se: true, op: 'skip', kernel: 5 },
        { name: 'baseline', choices: { op: 'conv', kernel: 7, se: false } },
        { op: 'skip', kernel: 5, se: true },
      ],
    });
    expect(enqueued).toEqual([
      { name: 'entry 1', genotype: [2, 1, 1] },
      { name: 'baseline', genotype: [0, 2, 0] },
    ]);
    expect(notes).toEqual([]);
  });

  it('draws the choices that are not given, the same for the same seed', async () => {
    const drawn = (seed: number) => start({ enqueue: [{ op: 'pool' }] }, { seed });
    expect((await drawn(4)).enqueued[0].genotype[0]).toBe(1);
    expect(await drawn(4)).toEqual(await drawn(4));
    const all = await Promise.all(Array.from({ length: 20 }, (_, seed) => drawn(seed)));
    expect(new Set(all.map(({ enqueued: [{ genotype }] }) => genotype.join())).size).toBeGreaterThan(3);
  });

  it('says what is wrong with an entry', async () => {
    await expect(start({ enqueue: [{ kernl: 3 }] })).rejects.toThrow("no decision 'kernl'; did you mean 'kernel'?");
    await expect(start({ enqueue: [{ kernel: 4 }] })).rejects.toThrow('kernel: got 4; expected one of 3, 5, 7');
    await expect(start({ enqueue: ['mobilenet'] })).rejects.toThrow('is a table without networks');
    const networks = { space: mobilenet, task };
    await expect(start({ enqueue: ['mobilnet'] }, { space: mobilenet, networks })).rejects.toThrow(
      'expected one of resnet, mobilenet,',
    );
  });

  it('says where in the file the mistake is', async () => {
    const where: unknown[] = [];
    await expect(
      warmStart(
        {
          search: { trials: 5, enqueue: [{ op: 'pool' }, { op: 'x' }] },
          objectives,
          seed: 1,
          space: table,
          networks: null,
        },
        (path, step) => (where.push(path), Promise.resolve().then(step)),
      ),
    ).rejects.toThrow('op: got "x"');
    expect(where.at(-1)).toEqual(['search', 'enqueue', 1]);
  });

  it('finds the network of a space that is most like a reference network', async () => {
    const networks = { space: mobilenet, task };
    const { enqueued } = await start({ enqueue: ['mobilenet-x0.5', 'mobilenet'] }, { space: mobilenet, networks });
    expect(enqueued.map(({ name }) => name)).toEqual(['mobilenet-x0.5', 'mobilenet']);
    for (const [i, width] of [0.5, 1].entries()) {
      const { genotype } = enqueued[i];
      expect(mobilenet.canonical(genotype)).toEqual(genotype);
      const [found, wanted] = [mobilenet.build(genotype), presetNetworks.mobilenet(task, width)].map(costs);
      expect(Math.abs(Math.log2(found.params / wanted.params))).toBeLessThan(1);
      // The space's stem halves the map, which the reference's does not.
      expect(found.macs).toBeLessThan(wanted.macs);
    }
    const [half, whole] = enqueued.map(({ genotype }) => costs(mobilenet.build(genotype)).params);
    expect(half).toBeLessThan(whole);
  });

  it('gives back a network of the space itself', async () => {
    const { nearestGenotype } = await import('../../../spaces/index.js');
    const middle = mobilenet.canonical(mobilenet.decisions.map(({ choices }) => choices.length >> 1));
    expect(nearestGenotype(mobilenet, mobilenet.build(middle))).toEqual(middle);
  });
});

describe('search.seed_from', () => {
  it('takes all rows of a file, and counts those that do not fit', async () => {
    const path = file('rows.csv', 'kernel,op,note,se\n3,conv,a,false\n4,conv,b,true\n7,skip,c,true\n');
    const { enqueued, notes } = await start({ seed_from: path });
    expect(enqueued).toEqual([
      { name: 'line 2 of rows.csv', genotype: [0, 0, 0] },
      { name: 'line 4 of rows.csv', genotype: [2, 2, 1] },
    ]);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('2 of 3 networks');
    expect(notes[0]).toContain('1 do not fit the space ops (the first: line 3 of rows.csv, kernel: got "4"');
  });

  it('takes the frontier of a file that has the objectives, of its complete rows', async () => {
    const path = file(
      'results.csv',
      'trial,state,op,kernel,se,accuracy,latency_ms\n' +
        '0,complete,conv,3,false,0.9,2\n1,complete,pool,3,false,0.8,3\n2,failed,skip,3,false,,0.1\n' +
        '3,complete,skip,5,true,0.7,1\n',
    );
    const { enqueued } = await start({ enqueue: [{ op: 'conv', kernel: 3, se: false }], seed_from: path });
    expect(enqueued.map(({ name }) => name)).toEqual(['entry 1', 'line 5 of results.csv']);
  });

  it('judges the rows of a file by the kind of accuracy that it has, and never by two', async () => {
    const rows = '0,complete,conv,3,false,0.9,2\n1,complete,pool,3,false,0.8,3\n2,complete,skip,5,true,0.7,1\n';
    const columns = 'trial,state,op,kernel,se';
    const one = file('slices.csv', `${columns},supernet_accuracy,latency_ms\n${rows}`);
    expect((await start({ seed_from: one })).enqueued.map(({ name }) => name)).toEqual([
      'line 2 of slices.csv',
      'line 4 of slices.csv',
    ]);
    const both = file(
      'both.csv',
      `${columns},supernet_accuracy,latency_ms,inherited_accuracy\n${rows.replaceAll('\n', ',0.5\n')}`,
    );
    expect((await start({ seed_from: both })).enqueued).toHaveLength(3);
  });

  it('says how many are left out when there are more than trials', async () => {
    const path = file('many.csv', 'op,kernel,se\nconv,3,false\npool,3,false\nskip,3,false\n');
    const { notes } = await start({ seed_from: path, trials: 2 });
    expect(notes.at(-1)).toContain('3 networks are given and 2 trials: the last 1 are left out');
  });

  it('takes the frontier of a workdir, mapped by names and choices', async () => {
    const workdir = join(folder, 'run');
    mkdirSync(workdir);
    const { experiment, source } = parseExperiment(
      'x.yaml',
      'name: x\ndata: fashion-mnist\nspace: mobilenet\nobjectives: [accuracy, macs]\n',
      { checkFiles: false },
    );
    const own = { ...meta, source, experiment };
    const store = Store.create(join(workdir, 'nas.sqlite'), own);
    // In another order, and with a choice that this space does not have.
    const rows = [
      { choices: { se: true, kernel: 5, op: 'skip' }, accuracy: 0.9, macs: 2 },
      { choices: { se: true, kernel: 3, op: 'pool' }, accuracy: 0.8, macs: 3 },
      { choices: { se: true, kernel: 9, op: 'pool' }, accuracy: 0.7, macs: 1 },
    ];
    for (const [number, { choices, accuracy, macs }] of rows.entries()) {
      store.trials.ask(newTrial(number, { choices }));
      const values = {
        accuracy: { value: accuracy, provenance: 'measured' },
        macs: { value: macs, provenance: 'computed' },
      } as const;
      store.trials.finish(number, { state: 'complete', values });
    }
    store.close();
    const { enqueued, notes } = await start({ seed_from: workdir });
    expect(enqueued).toEqual([{ name: 'trial 0 of run', genotype: [2, 1, 1] }]);
    expect(choicesOf(table.decisions, enqueued[0].genotype)).toEqual(rows[0].choices);
    expect(notes[0]).toContain('1 of 2 networks');
  });

  it('says when there is nothing to seed from', async () => {
    await expect(start({ seed_from: join(folder, 'none') })).rejects.toThrow('there is no file or folder');
    await expect(start({ seed_from: folder })).rejects.toThrow('holds no run');
  });
});
