import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDataset } from '../../cli/arguments/dataset.js';
import type { MasksDescription } from '../../experiments/data/index.js';
import { holdsMasks } from '../../trainers/index.js';
import { sharedFolder } from '../support/temporary.js';
import { written } from '../trainers/data/boxes/files.js';
import { coloured, grey } from '../trainers/data/masks/files.js';
import { nasOut } from './nas.js';

const folder = join(sharedFolder(), 'masks');
beforeAll(async () => {
  await written(
    {
      'images/{a,b,c,d,e,f,g}.png': null,
      'masks/{a,b,c,d}.png': grey(0, 1),
      'masks/e.png': grey(0, 9),
      'masks/f.png': grey(0, 2, [50, 80]),
      'masks/g.png': coloured([255, 255, 255], [255, 255, 255]),
      'classes.txt': 'ground\ncat\ndog\n',
    },
    folder,
  );
});

describe('nas data of images with masks', () => {
  it.each(['', 'masks:'])('counts pixels by class, and what is wrong with masks: %s', async (prefix) => {
    const out = await nasOut('data', `${prefix}${folder}`, '--json');
    const { classes, findings, images, ignored, plain } = JSON.parse(out) as MasksDescription;
    expect({ images, plain }).toEqual({ images: 6, plain: 1 });
    // 800 of 5,000 pixels of one mask are unknown, and all of another one are 255.
    expect(ignored).toBeCloseTo(5800 / 30000, 9);
    expect(classes.map(({ name, images: count }) => [name, count])).toEqual([
      ['ground', 5],
      ['cat', 4],
      ['dog', 0],
    ]);
    expect(classes[1]).toMatchObject({ share: 3200 / 24200, median: 0.16 });
    expect(findings.map(({ text, all }) => [text, all.map(({ where }) => where)])).toEqual([
      ['1 mask of other proportions than its image, left out with it', ['masks/f.png']],
      ['1 mask with unknown values, which are ignored', ['masks/e.png']],
      ['1 mask without a pixel that counts', ['masks/g.png']],
    ]);
  });

  it('says it in a terminal, and draws images under their masks', async () => {
    const [sheet, splits] = [join(folder, 'sheet.html'), join(folder, 'splits.csv')];
    const out = await nasOut('data', `masks:${folder}`, '--sheet', sheet, '--splits', splits);
    expect(out).toContain('6 images with masks of 3 classes');
    expect(out).toMatch(/cat +13 % +4 /);
    expect(out).toContain('Without a pixel: dog.');
    const html = readFileSync(sheet, 'utf8');
    const [first] = /(?<=data:image\/webp;base64,)[^"]+/.exec(
      html.slice(html.indexOf('of the pixels', html.indexOf('cat'))),
    ) ?? [''];
    const { data, info } = await sharp(Buffer.from(first, 'base64')).raw().toBuffer({ resolveWithObject: true });
    // The middle of the cat is orange: in a picture of twice 160 pixels, the image of 100 x 50 is in the middle.
    const at = (Math.round(80 + 15 * 3.2) * info.width + Math.round(30 * 3.2)) * info.channels;
    expect(data[at]).toBeGreaterThan(data[at + 2] + 60);
    expect(readFileSync(splits, 'utf8').split('\n')[1]).toMatch(/^images\/a.png,ground;cat,(train|validation|test)/);
  });

  it('are told from class folders, and refused where a command takes no masks', async () => {
    expect(await holdsMasks(folder)).toBe(true);
    expect(await holdsMasks(join(folder, 'images'))).toBe(false);
    expect(() => parseDataset(`masks:${folder}`, undefined)).toThrow('is not for masks yet');
  });
});
