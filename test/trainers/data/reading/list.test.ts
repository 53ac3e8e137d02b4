import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readList, type ListColumns } from '../../../../trainers/data/reading/list.js';
import { written, type Files } from '../boxes/files.js';

/** A folder with files, and others with any content. */
const write = (contents: Files, others: readonly string[] = []): Promise<string> =>
  written({ ...Object.fromEntries(others.map((path) => [path, path])), ...contents });

const rows = async (path: string, columns: ListColumns = {}): Promise<unknown[]> => {
  const { listing } = await readList(path, columns);
  return listing.items.map(({ file, label, split, group }) => [file.path, listing.classes[label], split, group]);
};

const four = ['{a,b,c,d}.jpg'];
const expected = [
  ['a.jpg', 'cat', null, undefined],
  ['b.jpg', 'dog', null, undefined],
  ['c.jpg', 'cat', null, undefined],
  ['d.jpg', 'dog', null, undefined],
];

describe('a list', () => {
  it.each<[string, string, string]>([
    [
      'quoted CSV with other columns',
      'labels.csv',
      'id,"file_name",note,Label\n1,"a.jpg","x, y",cat\n2,b.jpg,,dog\n3,c.jpg,,cat\n4,d.jpg,,dog',
    ],
    ['TSV', 'labels.tsv', 'path\tclass\na.jpg\tcat\nb.jpg\tdog\nc.jpg\tcat\nd.jpg\tdog\n'],
    [
      'JSON Lines',
      'labels.jsonl',
      '{"file_name": "a.jpg", "label": "cat"}\n\n{"file_name": "b.jpg", "label": "dog", "box": [1]}\n{"file_name": "c.jpg", "label": "cat"}\n{"label": "dog", "file_name": "d.jpg"}',
    ],
    [
      'JSON of Label Studio',
      'project.json',
      JSON.stringify(
        ['a', 'b', 'c', 'd'].map((name, i) => ({
          id: i,
          image: `${name}.jpg`,
          choice: i % 2 === 0 ? 'cat' : 'dog',
          annotator: 1,
        })),
      ),
    ],
    ['names without extension', 'labels.csv', 'id,category\na,cat\nb,dog\nc,cat\nd,dog\n'],
    ['paths of Windows', 'labels.csv', 'image,label\n.\\a.jpg,cat\n.\\b.jpg,dog\nc.jpg,cat\nd.jpg,dog\n'],
  ])('is read from %s', async (_, name, content) => {
    expect(await rows(join(await write({ [name]: content }, four), name))).toEqual(expected);
  });

  it('finds images in folders beside it', async () => {
    const folder = await write({ 'labels.csv': 'id,breed\na,boxer\nb,pug\n' }, ['train/{a,b}.jpg', 'test/c.jpg']);
    expect(await rows(join(folder, 'labels.csv'), { label: 'breed' })).toEqual([
      ['train/a.jpg', 'boxer', null, undefined],
      ['train/b.jpg', 'pug', null, undefined],
    ]);
  });

  it('keeps splits and groups', async () => {
    const content = 'image,label,split,patient\na.jpg,0,TRAIN,p1\nb.jpg,10,Validation,p2\nc.jpg,9,test,p3\nd.jpg,9,,\n';
    const folder = await write({ 'labels.csv': content }, four);
    expect(await rows(join(folder, 'labels.csv'), { group: 'patient' })).toEqual([
      ['a.jpg', '0', 'train', 0],
      ['b.jpg', '10', 'validation', 1],
      ['c.jpg', '9', 'test', 2],
      ['d.jpg', '9', null, undefined],
    ]);
    expect((await readList(join(folder, 'labels.csv'), {})).listing.classes).toEqual(['0', '9', '10']);
  });

  it('is read from metadata.csv in split folders, as Hugging Face writes it', async () => {
    const folder = await write(
      {
        'train/metadata.csv': 'file_name,label\nx/a.png,cat\nx/b.png,dog\n',
        'test/metadata.jsonl': '{"file_name": "c.png", "label": "dog"}\n{"file_name": "d.png", "label": "cat"}',
      },
      ['train/x/{a,b}.png', 'test/{c,d}.png'],
    );
    expect(await rows(folder)).toEqual([
      ['test/c.png', 'dog', 'test', undefined],
      ['test/d.png', 'cat', 'test', undefined],
      ['train/x/a.png', 'cat', 'train', undefined],
      ['train/x/b.png', 'dog', 'train', undefined],
    ]);
  });

  it('without labels is left out beside another one', async () => {
    const folder = await write(
      { 'train.csv': 'image,label\na.jpg,cat\nb.jpg,dog\n', 'test.csv': 'image\nc.jpg\n' },
      four,
    );
    const { listing } = await readList(folder, {});
    expect(listing.items.map(({ file, split }) => [file.path, split])).toEqual([
      ['a.jpg', 'train'],
      ['b.jpg', 'train'],
    ]);
    expect(listing.notes.join()).toContain('test.csv has no labels');
  });

  it('counts missing, repeated and contradictory images and rows without a label', async () => {
    const content = 'image,label\na.jpg,cat\na.jpg,cat\nb.jpg,dog\nb.jpg,cat\nc.jpg,\nd.jpg,dog\nx.jpg,cat\n';
    const { listing } = await readList(join(await write({ 'labels.csv': content }, four), 'labels.csv'), {});
    expect(listing.items.map(({ file }) => file.path)).toEqual(['a.jpg', 'd.jpg']);
    expect(listing.skipped).toEqual([
      { path: 'a.jpg', cause: 'repeated' },
      { path: 'c.jpg', cause: 'unlabelled' },
    ]);
    expect(listing.damaged).toEqual([
      { path: 'b.jpg', cause: 'label', message: 'dog in line 4, cat in line 5' },
      { path: 'x.jpg', cause: 'missing', message: 'line 8 of labels.csv names it' },
    ]);
  });

  it('has the given classes in their order', async () => {
    const content = 'image,label\na.jpg,cat\nb.jpg,dog\nc.jpg,owl\n';
    const { listing } = await readList(join(await write({ 'labels.csv': content }, four), 'labels.csv'), {
      classes: ['owl', 'cat'],
    });
    expect(listing.items.map(({ file, label }) => [file.path, label])).toEqual([
      ['a.jpg', 1],
      ['c.jpg', 0],
    ]);
  });

  it.each<[string, string, ListColumns, string]>([
    [
      'an unknown column',
      'image,label\na.jpg,cat\nb.jpg,dog\n',
      { label: 'lable' },
      "has no column 'lable'; did you mean 'label'? (it has image, label)",
    ],
    [
      'no column of labels',
      'image,x\na.jpg,cat\nb.jpg,dog\n',
      {},
      'it is not clear which column holds the label (it has image, x)',
    ],
    ['one label', 'image,label\na.jpg,cat\nb.jpg,cat\n', {}, 'the labels are all cat'],
    [
      'an unknown split',
      'image,label,split\na.jpg,cat,train\nb.jpg,dog,other\n',
      {},
      'line 3: the split is "other"; expected train, val or test',
    ],
    [
      'a group in two splits',
      'image,label,split,g\na.jpg,cat,train,p\nb.jpg,dog,test,p\n',
      { group: 'g' },
      'the group p is in the split train (line 2) and in test (line 3)',
    ],
    ['no rows', 'image,label\n', {}, 'has no rows'],
    [
      'labels that are no classes',
      `image,label\n${Array.from({ length: 9 }, (_, i) => `${i}.jpg,${i / 10}`).join('\n')}`,
      {},
      '9 labels of 9 images are no classes',
    ],
  ])('with %s is refused', async (_, content, columns, message) => {
    const file = join(await write({ 'labels.csv': content }, four), 'labels.csv');
    await expect(readList(file, columns)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining(message) as string,
      hint: expect.anything() as string,
    });
  });
});

describe('a list of a multi-label task', () => {
  const read = async (content: string, columns: ListColumns = {}, name = 'labels.csv') =>
    (await readList(join(await write({ [name]: content }, four), name), { task: 'multi-label', ...columns })).listing;
  const both = [
    [1, 1],
    [0, 1],
    [0, 0],
  ];

  it.each<[string, string, string, ListColumns?]>([
    [
      'JSON lists',
      'labels.jsonl',
      '{"image": "a.jpg", "labels": ["cat", "dog"]}\n{"image": "b.jpg", "labels": ["dog"]}\n{"image": "c.jpg", "labels": []}',
    ],
    [
      'a column for each label',
      'labels.csv',
      'image,cat,dog\na.jpg,1,True\nb.jpg,0,x\nc.jpg,-1,\n',
      { label: ['cat', 'dog'] },
    ],
  ])('is read from %s; an image may have none', async (_, name, content, columns) => {
    const listing = await read(content, columns, name);
    expect(listing).toMatchObject({ task: 'multi-label', classes: ['cat', 'dog'] });
    expect(listing.items.map(({ label, targets }) => [label, targets])).toEqual(both.map((targets) => [0, targets]));
  });

  it('uses the labels that are asked for, and refuses unknown ones and marks', async () => {
    const content = 'image,label\na.jpg,dog; cat\nb.jpg,dog\nc.jpg,cow\n';
    const { classes, items } = await read(content, { classes: ['dog', 'cow'] });
    expect([classes, items.map(({ targets }) => targets)]).toEqual([
      ['dog', 'cow'],
      [
        [1, 0],
        [1, 0],
        [0, 1],
      ],
    ]);
    await expect(read(content, { classes: ['dog', 'pig'] })).rejects.toThrow('no image has the label pig');
    await expect(read('image,cat,dog\na.jpg,1,maybe\n', { label: ['cat', 'dog'] })).rejects.toThrow(
      /labels\.csv, line 2: dog is "maybe"; expected 1 or 0/,
    );
  });
});

describe('a list of numbers', () => {
  const read = async (content: string, label: ListColumns['label']) =>
    (await readList(join(await write({ 'labels.csv': content }, four), 'labels.csv'), { task: 'regression', label }))
      .listing;

  it('has one or several for each image; images without are left out', async () => {
    const content = 'image,age,weight\na.jpg,31,70.5\nb.jpg,,60\nc.jpg,-2e1,"80,25"\n';
    const { classes, items, skipped } = await read(content, ['age', 'weight']);
    expect(classes).toEqual(['age', 'weight']);
    expect(items.map(({ targets }) => targets)).toEqual([
      [31, 70.5],
      [-20, 80.25],
    ]);
    expect(skipped).toEqual([{ path: 'b.jpg', cause: 'unlabelled' }]);
    expect((await read('image,target\na.jpg,1\nb.jpg,2\n', undefined)).classes).toEqual(['target']);
  });

  it('is damaged where one image has two', async () => {
    const { damaged } = await read('image,age\na.jpg,31\na.jpg,32\nb.jpg,1\n', 'age');
    expect(damaged).toMatchObject([{ path: 'a.jpg', cause: 'label', message: '31 in line 2, 32 in line 3' }]);
  });
});
