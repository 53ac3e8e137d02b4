import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from 'tar';
import { describe, expect, it } from 'vitest';
import { dataSchema, surveyImages, type ImageFilesConfig } from '../../../trainers/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { writeColours } from './colours.js';

const colours = { red: [200, 10, 20], green: [10, 180, 40] } as const;

const survey = (path: string) => surveyImages(dataSchema.parse({ type: 'image-folder', path }) as ImageFilesConfig);

describe('the survey of images', () => {
  it('finds their size, and whether they have colours', async () => {
    const folder = temporaryFolder();
    await writeColours(folder, colours, 3);
    writeFileSync(join(folder, 'red', 'broken.png'), 'no image');
    expect(await survey(folder)).toEqual({ side: 40, grey: false, images: 7 });
    const grey = temporaryFolder();
    await writeColours(grey, { dark: [10, 10, 10], light: [200, 200, 200] }, 2, 20);
    expect(await survey(grey)).toEqual({ side: 20, grey: true, images: 4 });
  });

  it('reads split folders and archives, and counts the images of the classes only', async () => {
    const folder = temporaryFolder();
    for (const split of ['train', 'test']) await writeColours(join(folder, split), colours, 2);
    await writeColours(folder, { papers: [0, 0, 0] }, 5, 300);
    const expected = { side: 40, grey: false, images: 8 };
    expect(await survey(folder)).toEqual(expected);
    const archive = join(temporaryFolder(), 'images.tar.gz');
    await create({ file: archive, cwd: folder, gzip: true }, ['train', 'test', 'papers']);
    expect(await survey(archive)).toEqual(expected);
  });

  it('without an image that can be read is an error', async () => {
    await expect(survey('/nowhere')).rejects.toThrow('/nowhere does not exist');
    const folder = temporaryFolder();
    await expect(survey(folder)).rejects.toThrow('has no class folder and no images');
    for (const name of ['a', 'b']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, '0.png'), '');
    }
    await expect(survey(folder)).rejects.toThrow('2 of 2 images cannot be used (2 empty)');
  });
});
