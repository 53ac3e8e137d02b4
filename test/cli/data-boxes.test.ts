import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDataset } from '../../cli/arguments/dataset.js';
import type { BoxesDescription } from '../../experiments/data/index.js';
import { holdsBoxes } from '../../trainers/index.js';
import { sharedFolder } from '../support/temporary.js';
import { cat, coco, cocoBox, cocoImage, dog, written, yolo } from '../trainers/data/boxes/files.js';
import { nasInside, nasOut } from './nas.js';

const root = sharedFolder();
const [odd, plain] = [join(root, 'odd'), join(root, 'plain')];
beforeAll(async () => {
  const names = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png'];
  await written(
    {
      '{a,b,c,d,e,f,g}.png': null,
      'boxes.json': coco(names, {
        images: [...names, 'z.png'].map((name, i) => cocoImage(i + 1, name)),
        annotations: [
          ...[1, 2, 3, 4].map((image) => cocoBox(image, 1, cat)),
          cocoBox(5, 2, dog, { iscrowd: 1 }),
          cocoBox(1, 2, [0, 0, 2, 2]),
          cocoBox(2, 2, [90, 10, 40, 20]),
          cocoBox(3, 2, [10, 10, -5, 5]),
        ],
      }),
    },
    odd,
  );
  const files = { 'images/{a,b,c}.png': null, 'labels/{a,b,c}.txt': yolo(0, cat), 'data.yaml': 'names: [cat]\n' };
  await written(files, plain);
});

const describeJson = async (argument: string): Promise<BoxesDescription> => {
  const ended = await nasInside(['data', argument, '--json']);
  expect(ended.code).toBe(0);
  return JSON.parse(ended.out) as BoxesDescription;
};

describe('nas data of images with boxes', () => {
  it('counts boxes by class, and what is wrong with them', async () => {
    const found = await describeJson(odd);
    expect(found).toMatchObject({ format: 'coco', images: 6, boxes: 6, ignored: 1, withoutBoxes: 1, unlabelled: 1 });
    expect(found.classes.map(({ name, boxes, images, ignored }) => [name, boxes, images, ignored])).toEqual([
      ['cat', 4, 4, 0],
      ['dog', 2, 2, 1],
    ]);
    expect(found.findings.map(({ text }) => text)).toEqual([
      '1 image without a file, left out',
      '1 box without width or height, left out',
      '1 box that leaves its image, cut',
      '1 box under 3 pixels wide or high',
    ]);
  });

  it('says it in a terminal, with examples of the findings', async () => {
    const out = await nasOut('data', odd);
    expect(out).toContain('6 images, 6 boxes of 2 classes');
    expect(out).toContain('1 box that is a crowd or difficult');
    expect(out).toContain('boxes.json, line 18: annotations[7]: 10, 10, 5, 15 (left, top, right, bottom)');
  });

  it.each(['a folder', 'boxes:folder', 'the file with the boxes', 'an experiment file'])('reads %s', async (kind) => {
    const file = join(root, 'experiment.yaml');
    writeFileSync(file, 'data: { type: boxes, path: plain }\n');
    const argument = { 'a folder': plain, 'boxes:folder': `boxes:${plain}`, 'an experiment file': file }[kind];
    const found = await describeJson(argument ?? join(plain, 'data.yaml'));
    expect(found).toMatchObject({ format: 'yolo', images: 3, boxes: 3, splits: { train: 1, validation: 1, test: 1 } });
  });

  it('draws the boxes on a contact sheet, and writes the splits', async () => {
    const [sheet, splits] = [join(root, 'sheet.html'), join(root, 'splits.csv')];
    expect((await nasInside(['data', odd, '--sheet', sheet, '--splits', splits])).code).toBe(0);
    const found = [...readFileSync(sheet, 'utf8').matchAll(/src="data:image\/webp;base64,([^"]+)"/g)];
    let orange = 0;
    for (const [, webp] of found) {
      const { data, info } = await sharp(Buffer.from(webp, 'base64')).raw().toBuffer({ resolveWithObject: true });
      for (let at = 0; at < data.length; at += info.channels)
        if (data[at] > 220 && Math.abs(data[at + 1] - 140) < 30 && data[at + 2] < 60) orange++;
    }
    expect(orange).toBeGreaterThan(100);
    expect(readFileSync(splits, 'utf8').split('\n')[0]).toBe('path,label,split,content');
  });

  it('draws an image once for all its findings of a kind', async () => {
    const [tiny, sheet] = [join(root, 'tiny'), join(root, 'tiny.html')];
    const rows = ['10,5,50,25', '60,5,62,25', '70,5,72,25'].map((box) => `a.png,${box},cat\n`).join('');
    await written({ 'a.png': null, 'boxes.csv': `image,x1,y1,x2,y2,label\n${rows}` }, tiny);
    expect((await nasInside(['data', tiny, '--sheet', sheet])).code).toBe(0);
    const page = readFileSync(sheet, 'utf8');
    // In the row of its class, and with its finding.
    expect(page.split('<img ').length - 1).toBe(2);
    expect(page).toContain('line 3: 60, 5, 62, 25 (left, top, right, bottom); 1 more');
  });

  it('leaves tables of labels to classes, without a look at the folder around them', async () => {
    writeFileSync(join(root, 'labels.csv'), 'image,label\na.png,cat\n');
    expect(await holdsBoxes(join(root, 'labels.csv'))).toBe(false);
    expect(await holdsBoxes(join(odd, 'boxes.json'))).toBe(true);
    expect(await holdsBoxes(join(root, 'nothing'))).toBe(false);
    await written(
      { '{cat,dog}/{a,b}.png': null, 'boxes.csv': 'image,x,y,width,height\na.png,1,1,2,2\n' },
      join(root, 'classes'),
    );
    expect(await holdsBoxes(join(root, 'classes'))).toBe(false);
  });

  it('refuses keys that boxes do not have', async () => {
    const file = join(root, 'size.yaml');
    writeFileSync(file, 'data: { type: boxes, path: plain, fit: cover }\n');
    expect((await nasInside(['data', file])).err).toContain('Unrecognized key: "fit"');
  });

  it('other commands refuse boxes with one sentence', () => {
    const file = join(root, 'run.yaml');
    writeFileSync(file, 'name: x\ndata: { type: boxes, path: plain }\nspace: mobilenet\n');
    // `--data` of commands that do not score files.
    for (const argument of [`boxes:${plain}`, file])
      expect(() => parseDataset(argument, undefined)).toThrow(/boxes.* yet/);
  });
});
