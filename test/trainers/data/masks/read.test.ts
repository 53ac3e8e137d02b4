import { describe, expect, it } from 'vitest';
import { masksSchema, readMasks, type MaskData } from '../../../../trainers/index.js';
import { height, width, written } from '../boxes/files.js';
import { broken } from './broken.js';
import { isCat } from './files.js';
import { maskLayouts } from './layouts.js';

const read = (path: string, keys: object = {}): Promise<MaskData> =>
  readMasks(masksSchema.parse({ type: 'masks', path, ...keys }));

const findingsOf = ({ findings }: MaskData): string[] =>
  findings.map(({ kind, where, detail }) => `${kind}: ${where}${detail === '' ? '' : `: ${detail}`}`);

describe('layouts of data sets with masks', () => {
  it.each(maskLayouts)('$name', async (layout) => {
    const { files, keys, classes = ['background', 'foreground'], notes = [], findings = [] } = layout;
    const folder = await written(files);
    const data = await read(folder, keys);
    expect({ classes: data.classes, findings: findingsOf(data) }).toEqual({ classes, findings });
    const counts: Record<string, number> = {};
    for (const { split } of data.images) counts[split ?? 'all'] = (counts[split ?? 'all'] ?? 0) + 1;
    expect(counts).toEqual(layout.images ?? { all: 2 });
    const { cat = classes.at(-1), around = classes[0] } = layout;
    const mask = await data.images[0].render([height, width]);
    const named = Array.from(mask, (label) => (label === 255 ? null : classes[label]));
    const expected = Array.from(mask, (_, i) => (isCat(i % width, Math.floor(i / width)) ? cat : around));
    const wrong = named.filter((name, i) => name !== expected[i]).length;
    // Losses blur the border.
    expect(wrong).toBeLessThan(layout.name.startsWith('JPEG') ? 40 : 1);
    for (const note of notes) expect(data.notes.join('\n')).toContain(note);
  });
});

describe('broken data sets with masks', () => {
  it.each(broken)('$name', async ({ files, keys, refused, findings }) => {
    const folder = await written(files);
    const said = await read(folder, keys).then(findingsOf, (error: unknown) => [String(error)]);
    const texts = said.map((text) => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'FOLDER'));
    expect(texts).toEqual(refused === undefined ? findings : [`NasError: ${refused}`]);
  });
});
