import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boxesSchema, readBoxes, type BoxData } from '../../../../trainers/index.js';
import { broken } from './broken.js';
import { cat, written } from './files.js';
import { boxLayouts } from './layouts.js';
import { programLayouts } from './program-layouts.js';

const read = (path: string): Promise<BoxData> => readBoxes(boxesSchema.parse({ type: 'boxes', path }));

describe('layouts of data sets with boxes', () => {
  const layouts = [boxLayouts, programLayouts].flatMap((byFormat) =>
    Object.entries(byFormat).flatMap(([format, own]) => own.map((layout) => ({ ...layout, format }))),
  );
  it.each(layouts)(
    '$name',
    async ({
      files,
      path,
      format,
      classes = ['cat', 'dog'],
      images = { all: 2 },
      boxes = 2,
      ignored = 0,
      notes = [],
    }) => {
      const folder = await written(files);
      const data = await read(path === undefined ? folder : join(folder, path));
      expect({ format: data.format, classes: data.classes, findings: data.findings }).toEqual({
        format,
        classes,
        findings: [],
      });
      const counts: Record<string, number> = {};
      for (const { split } of data.images) counts[split ?? 'all'] = (counts[split ?? 'all'] ?? 0) + 1;
      expect(counts).toEqual(images);
      const all = data.images.flatMap((image) => image.boxes);
      expect(all.length).toBe(boxes);
      expect(all.filter((box) => box.ignored).length).toBe(ignored);
      const { left, top, right, bottom, label } = data.images[0].boxes[0];
      expect(data.classes[label]).toBe('cat');
      const found = [left, top, right - left, bottom - top];
      for (const [i, value] of found.entries()) expect(value).toBeCloseTo(cat[i], 9);
      for (const note of notes) expect(data.notes.join('\n')).toContain(note);
    },
  );
});

describe('broken data sets with boxes', () => {
  it.each(broken)('$name', async ({ files, path, refused, finding }) => {
    const folder = await written(files);
    const reading = read(path === undefined ? folder : join(folder, path)).then(
      ({ findings }) =>
        findings.map(({ kind, where, detail }) => `${kind}: ${where}${detail === '' ? '' : `: ${detail}`}`),
      (error: unknown) => [String(error)],
    );
    const said = (await reading).map((text) => text.replaceAll(`${folder}/`, '').replaceAll(folder, 'FOLDER'));
    expect(said).toEqual([refused === undefined ? finding : `NasError: ${refused}`]);
  });
});
