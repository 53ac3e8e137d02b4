import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { DataDescription } from '../../experiments/data/index.js';
import { sharedFolder, temporaryFolder } from '../support/temporary.js';
import { noisePicture } from '../trainers/data/colours.js';
import { nasInside, expectRefusal, nasOut } from './nas.js';

const hostile = `<script>alert("1")&'é`;

/** Split folders with a class of 12 and a class of 3 images, and most of what goes wrong with such folders. */
async function writeOdd(root: string): Promise<void> {
  const file = (...path: string[]): string => join(root, ...path);
  for (const [split, counts] of Object.entries({ train: { cat: 12, [hostile]: 3 }, test: { cat: 3, [hostile]: 3 } }))
    for (const [name, count] of Object.entries(counts)) {
      mkdirSync(file(split, name), { recursive: true });
      for (let i = 0; i < count; i++)
        await noisePicture(`${split} ${name} ${i}`, 40, 30).toFile(file(split, name, `${i}.png`));
    }
  copyFileSync(file('train', 'cat', '0.png'), file('test', 'cat', 'copy.png'));
  copyFileSync(file('train', 'cat', '1.png'), file('train', hostile, 'copy.png'));
  const whole = readFileSync(file('train', 'cat', '2.png'));
  writeFileSync(file('train', 'cat', 'half.png'), whole.subarray(0, whole.length >> 1));
  writeFileSync(file('train', 'cat', 'Thumbs.db'), '');
  writeFileSync(file('train', 'cat', 'shot.heic'), '');
  await noisePicture('grey', 40, 30)
    .toColourspace('b-w')
    .toFile(file('train', 'cat', 'grey.png'));
  await noisePicture('cmyk', 40, 30)
    .toColourspace('cmyk')
    .jpeg()
    .toFile(file('train', 'cat', 'cmyk.jpg'));
  const black = { width: 40, height: 30, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 1 } } as const;
  await sharp({ create: black }).toFile(file('train', 'cat', 'esc\u001b[2J.png'));
}

const describeJson = async (...args: string[]): Promise<DataDescription> => {
  const ended = await nasInside(['data', ...args, '--json']);
  expect(ended.code).toBe(0);
  return JSON.parse(ended.out) as DataDescription;
};

const odd = join(sharedFolder(), 'odd');
beforeAll(async () => {
  vi.stubEnv('NAS_CACHE', join(odd, '..', 'cache'));
  await writeOdd(odd);
});
afterAll(() => void vi.unstubAllEnvs());

describe('nas data', () => {
  it('describes a folder with damaged files, copies and unequal classes, and changes nothing in it', async () => {
    const files = () =>
      readdirSync(odd, { recursive: true, encoding: 'utf8' }).map((path) => [path, statSync(join(odd, path)).mtimeMs]);
    const before = files();
    const { out, err, code } = await nasInside(['data', odd]);
    expect({ code, damaged: err.includes('half.png') }).toEqual({ code: 0, damaged: false });
    expect(files()).toEqual(before);
    const lines = out.split('\n').map((line) => line.trimEnd());
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^.*odd: 26 images of 2 classes$/),
        'networks see    28 x 28 pixels, colour; cover: 75 % of an image of the median shape',
        'colours         srgb 23, cmyk 1, srgb + alpha 1, b-w 1',
        'splits          train, test as given; 25 % for validation',
        expect.stringMatching(/^cat +19 +11 +4 +4 {2}█{20}$/),
        '  ! 1 pair of copies lies in different splits, which makes accuracies too high.',
        '    train/cat/0.png (train) = test/cat/copy.png (test)',
        '  ! 1 pair of copies has different labels.',
        expect.stringContaining('! The largest class trains with 3.67 times the images of the smallest.'),
        '    train/cat/esc\ufffd[2J.png',
        expect.stringContaining('1 of 27 images cannot be used (1 truncated)'),
        expect.stringContaining('class_weight: auto'),
      ]),
    );
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('test: 0.');
  });

  it('prints everything as JSON', async () => {
    const found = await describeJson(odd);
    expect(found).toMatchObject({
      images: 26,
      assigned: ['train', 'test'],
      refusal: null,
      damaged: [{ path: 'train/cat/half.png', cause: 'truncated' }],
      proposed: { 'data.size': 28, 'data.damaged': 'skip', 'train.class_weight': 'auto' },
      plain: [{ path: 'train/cat/esc\u001b[2J.png', label: 'cat' }],
    });
    expect(found.pairs.map(({ kind, images }) => [kind, images.length])).toEqual([
      ['across', 1],
      ['conflicts', 1],
      ['exact', 2],
    ]);
    expect(found.pairs[1].images[0]).toMatchObject([
      { label: hostile, path: `train/${hostile}/copy.png` },
      { label: 'cat', split: 'train' },
    ]);
  });

  it('reads experiments in their own rendering, and proposes only what helps them', async () => {
    const file = join(temporaryFolder(), 'data.yaml');
    writeFileSync(
      file,
      `data: ${JSON.stringify({ type: 'image-folder', path: odd, size: [16, 24], fit: 'contain' })}\n`,
    );
    const out = await nasOut('data', file);
    expect(out).toContain('16 x 24 pixels, colour; contain: the whole image, with bars');
    expect(out.slice(out.indexOf('Proposed')).trim().split('\n')).toEqual([
      'Proposed',
      '  data.damaged: skip; the experiment has refuse',
      '  train.class_weight: auto; the experiment has none',
    ]);
  });

  it('counts the images without labels of an experiment, without copies of labelled ones', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'more'));
    for (let i = 0; i < 3; i++) await noisePicture(`more ${i}`, 40, 30).toFile(join(folder, 'more', `${i}.png`));
    copyFileSync(join(odd, 'test', 'cat', '0.png'), join(folder, 'more', 'copy.png'));
    const data = `{ type: image-folder, path: ${JSON.stringify(odd)}, size: 28, damaged: skip, unlabelled: more }`;
    writeFileSync(join(folder, 'data.yaml'), `data: ${data}\n`);
    const out = await nasOut('data', join(folder, 'data.yaml'));
    expect(out).toMatch(/without labels +3 images; 1 copy of labelled images left out/);
    expect((await describeJson(join(folder, 'data.yaml'))).unlabelled).toMatchObject({ images: 3 });
  });

  it('tells why a run would refuse images that it can read', async () => {
    const folder = temporaryFolder();
    for (const [name, count] of [
      ['a', 3],
      ['b', 1],
    ] as const) {
      mkdirSync(join(folder, name));
      for (let i = 0; i < count; i++) await noisePicture(`${name} ${i}`, 30, 30).toFile(join(folder, name, `${i}.png`));
    }
    expect(await describeJson(folder)).toMatchObject({
      refusal: { message: expect.stringContaining('class b has 1 image') as string },
      classes: [
        { name: 'a', images: 3, splits: null },
        { name: 'b', images: 1, splits: null },
      ],
    });
  });

  it('reads tables with missing files', async () => {
    const table = join(odd, '..', 'list.csv');
    const rows = ['0', '1', '2', 'none'].flatMap((name) => [
      `odd/train/cat/${name}.png,cat`,
      `odd/test/cat/${name}.png,dog`,
    ]);
    writeFileSync(table, ['file,label', ...rows, ''].join('\n'));
    const found = await describeJson(table);
    expect(found).toMatchObject({ images: 6, data: { type: 'list' }, notes: [expect.stringContaining('image: file')] });
    expect(found.damaged.map(({ cause }) => cause)).toEqual(['missing', 'missing']);
  });

  it.each([
    ['multi-label', 'cat;dog', { classes: ['cat', 'dog'], label: 'cat, dog' }],
    ['regression', '4.5', { classes: [], label: 'label 4.5' }],
  ] as const)('reads tables of the task %s', async (task, value, { classes, label }) => {
    const folder = temporaryFolder();
    const rows: string[] = [];
    for (let i = 0; i < 8; i++) {
      await noisePicture(`image ${i % 7}`, 30, 30).toFile(join(folder, `${i}.png`));
      rows.push(`${i}.png,${i % 7 === 0 ? value : task === 'regression' ? i : 'cat'}`);
    }
    writeFileSync(join(folder, 'list.csv'), ['file,label', ...rows, ''].join('\n'));
    const file = join(folder, 'data.yaml');
    writeFileSync(file, `data: ${JSON.stringify({ type: 'list', path: 'list.csv', task, size: 16 })}\n`);
    const found = await describeJson(file, '-o', join(folder, 'sheet.html'));
    expect(found).toMatchObject({ task, images: 8, refusal: null });
    expect(found.classes.map(({ name }) => name)).toEqual(classes);
    expect(found.pairs.flatMap(({ kind, images }) => images.map((pair) => [kind, pair[0].label]))).toContainEqual([
      'exact',
      label,
    ]);
    expect(found.splits).toMatchObject({ train: expect.any(Number) as number });
    const out = await nasOut('data', file);
    expect(out).toContain('list.csv: 8 rows, separated by commas; image: file, label: label.');
    // Both images of a dog are in training.
    expect(out.includes('Without an image in validation:\n    dog')).toBe(task === 'multi-label');
  });

  it('reads a folder without class folders by its table', async () => {
    const folder = temporaryFolder();
    const rows: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      await noisePicture(name, 30, 30).toFile(join(folder, `${name}.png`));
      rows.push(`${name}.png,${name < 'd' ? 'cat' : 'dog'}`);
    }
    writeFileSync(join(folder, 'metadata.csv'), ['file_name,label', ...rows, ''].join('\n'));
    expect(await describeJson(folder)).toMatchObject({ images: 6, data: { type: 'list', path: folder } });
    writeFileSync(join(folder, 'metadata.csv'), 'text\n');
    await expectRefusal(nasInside(['data', folder]), 'has no class folder, but 6 images');
  });

  it('prints no names that steer the terminal, also in errors and notes', async () => {
    const folder = join(temporaryFolder(), 'images');
    mkdirSync(join(folder, 'a\u001b[2J'), { recursive: true });
    for (const name of ['0', '1', '2'])
      await noisePicture(name, 30, 30).toFile(join(folder, 'a\u001b[2J', `${name}.png`));
    const refused = await expectRefusal(nasInside(['data', folder]), 'has only the class a\ufffd[2J');
    cpSync(join(folder, 'a\u001b[2J'), join(folder, 'b'), { recursive: true });
    const { err } = await nasInside(['init', join(folder, '..', 'new'), '--images', folder, '--no-estimate']);
    expect(err).toContain('a\ufffd[2J/0.png and b/0.png');
    expect(refused + err).not.toContain('\u001b');
  });

  it.each([
    [['data', '/nowhere'], '/nowhere does not exist'],
    [['data', '/nowhere', '--sheet', 'sheet.jpg'], 'a contact sheet is a page, a file with the extension .html'],
  ])('%j is invalid input', async (args, message) => {
    await expectRefusal(nasInside(args), message);
  });
});

describe('the contact sheet', () => {
  it('is one HTML page without scripts, which escapes names', async () => {
    const sheet = join(temporaryFolder(), 'new', 'sheet.html');
    expect(await nasInside(['data', odd, '-o', sheet])).toMatchObject({
      code: 0,
      out: expect.stringContaining(`wrote ${sheet}`) as string,
    });
    const html = readFileSync(sheet, 'utf8');
    expect(html).not.toMatch(/<script|src="(?!data:image\/webp;base64,)|url\(/i);
    expect(html).toContain('<b>&lt;script>alert(&quot;1&quot;)&amp;');
    const images = [...html.matchAll(/src="data:image\/webp;base64,([^"]+)"/g)].map(([, webp]) =>
      Buffer.from(webp, 'base64'),
    );
    // 10 and 7 of the classes, two pairs, and an image of one colour.
    expect(images).toHaveLength(10 + 7 + 4 + 1);
    expect(await sharp(images[0]).metadata()).toMatchObject({ format: 'webp', width: 28, height: 28 });
  });
});
