import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { decode, inOriginal, placementIn, type Detection } from '../../base/detections.js';
import { largestClasses, type ClassMap } from '../../base/class-map.js';
import { Random } from '../../base/random.js';
import { exportWeb } from '../../deploy/index.js';
import { detectorMetadata, randomDetector } from '../support/detector-files.js';
import { temporaryFolder } from '../support/temporary.js';

/** The module that pages use, which is plain JavaScript. */
interface DetectModule {
  readonly decode: (
    maps: { rows: number; columns: number; stride: number; classes: Float32Array; boxes?: Float32Array },
    rules: { most: number; overlap: number; thresholds: readonly number[] },
  ) => Detection[];
  readonly inOriginal: (
    boxes: readonly Detection[],
    image: readonly [number, number],
    placement: unknown,
  ) => Detection[];
}
interface SegmentModule {
  readonly classesOfPixels: (
    map: Omit<ClassMap, 'values'> & { readonly logits: Float32Array },
    size: readonly [number, number],
    placement: unknown,
  ) => Uint8Array;
}
interface ClassifyModule {
  readonly placementIn: (image: readonly [number, number], input: readonly [number, number], fit: string) => unknown;
}
const importPage = (name: string): Promise<unknown> => import(pathToFileURL(`deploy/web/page/${name}.js`).href);
const module_ = (await importPage('detect')) as DetectModule;
const { classesOfPixels } = (await importPage('segment')) as SegmentModule;
const classify = (await importPage('classify')) as ClassifyModule;

const [rows, columns, labels] = [6, 9, 3];

function randomMaps(seed: number) {
  const random = new Random(seed, 'maps');
  // Half of them have equal logits in neighbouring cells.
  const logit = (): number => (seed % 2 === 0 ? random.normal() : random.int(3) - 1);
  const classes = Float32Array.from({ length: rows * columns * labels }, logit);
  const boxes = Float32Array.from({ length: rows * columns * 4 }, () => random.normal());
  const values = new Float32Array(rows * columns * (labels + 4));
  for (let cell = 0; cell < rows * columns; cell++) {
    values.set(classes.subarray(cell * labels, (cell + 1) * labels), cell * (labels + 4));
    values.set(boxes.subarray(cell * 4, (cell + 1) * 4), cell * (labels + 4) + labels);
  }
  return { classes, boxes, map: { rows, columns, stride: 4, classes: labels, values } };
}

const near = (boxes: readonly Detection[]) =>
  boxes.map(({ label, ...numbers }) => ({
    label,
    ...Object.fromEntries(Object.entries(numbers).map(([key, value]) => [key, expect.closeTo(value, 8) as number])),
  }));

describe('the page of a detector', () => {
  it('finds the boxes that training, evaluation and serving find', () => {
    let found = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { classes, boxes, map } = randomMaps(seed);
      const rules = { most: seed % 3 === 0 ? 5 : 150, overlap: 0.3, thresholds: [0.4, 0.5, 0.7] };
      const expected = decode(map, rules);
      const own = module_.decode({ rows, columns, stride: 4, classes, boxes }, rules);
      expect(own).toEqual(near(expected));
      found += own.length;
      const cells = decode({ ...map, values: classes }, rules);
      expect(module_.decode({ rows, columns, stride: 4, classes }, rules)).toEqual(near(cells));
      const random = new Random(seed, 'sizes');
      const [width, height] = [1 + random.int(300), 1 + random.int(300)];
      for (const fit of ['contain', 'cover', 'stretch'] as const) {
        const placed = inOriginal(expected, placementIn({ width, height }, { size: [24, 36], fit }), { width, height });
        expect(module_.inOriginal(own, [width, height], classify.placementIn([width, height], [24, 36], fit))).toEqual(
          near(placed),
        );
      }
    }
    expect(found).toBeGreaterThan(200);
  });

  it('has the module and the thresholds', async () => {
    const folder = join(temporaryFolder(), 'site');
    const model = randomDetector();
    const detection = { stride: 4, most: 150, overlap: 0.6 };
    await exportWeb(new Uint8Array(64), detectorMetadata(model, { detection }), folder);
    const names = readdirSync(folder);
    const [facts, module] = [/^facts\.[0-9a-f]+\.json$/, /^detect\.[0-9a-f]+\.js$/].map(
      (pattern) => names.find((name) => pattern.test(name)) ?? expect.fail(String(pattern)),
    );
    expect(JSON.parse(readFileSync(join(folder, facts), 'utf8'))).toMatchObject({
      task: 'detection',
      detection: { ...detection, thresholds: [0.5, 0.5] },
    });
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(page).toContain(`data-detect="${module}"`);
    expect(page).toContain('<title>Object detector</title>');
  });

  it('is refused without the metadata that says how maps become boxes', async () => {
    const metadata = detectorMetadata(randomDetector(), { detection: undefined });
    await expect(exportWeb(new Uint8Array(64), metadata, temporaryFolder())).rejects.toThrow(
      "the key 'detection' of its metadata is missing",
    );
  });
});

describe('the page of a segmenter', () => {
  it('finds the classes of pixels that evaluation and serving find', () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = new Random(seed, 'masks');
      const [width, height, scale] = [1 + random.int(90), 1 + random.int(90), 1 + random.int(3)];
      const { classes: values } = randomMaps(seed);
      const map = { rows, columns, stride: 4, classes: labels };
      for (const fit of ['contain', 'cover', 'stretch'] as const) {
        const { scaleX, scaleY, ...corner } = placementIn({ width, height }, { size: [24, 36], fit });
        const [shownWidth, shownHeight] = [Math.ceil(width / scale), Math.ceil(height / scale)];
        const expected = largestClasses({ ...map, values }, [shownHeight, shownWidth], {
          ...corner,
          scaleX: (scaleX * width) / shownWidth,
          scaleY: (scaleY * height) / shownHeight,
        });
        const placement = classify.placementIn([width, height], [24, 36], fit);
        const own = classesOfPixels({ ...map, logits: values }, [shownWidth, shownHeight], placement);
        // Places differ in their last digit, and so may pixels with two equal classes.
        const different = own.filter((label, i) => label !== expected[i]).length;
        expect([own.length, different <= own.length * (seed % 2 === 0 ? 0 : 0.02)]).toEqual([expected.length, true]);
      }
    }
  });

  it('has the module and the stride', async () => {
    const folder = join(temporaryFolder(), 'site');
    await exportWeb(new Uint8Array(64), detectorMetadata(randomDetector({ head: { segmentation: true } })), folder);
    const names = readdirSync(folder);
    const facts = names.find((name) => /^facts\.[0-9a-f]+\.json$/.test(name)) ?? expect.fail('no facts');
    expect(JSON.parse(readFileSync(join(folder, facts), 'utf8'))).toMatchObject({
      task: 'segmentation',
      segmentation: { stride: 4 },
    });
    const page = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(page).toMatch(/data-detect=""\s+data-segment="segment\.[0-9a-f]{16}\.js"/);
    expect(page).toContain('<title>Image segmenter</title>');
  });
});
