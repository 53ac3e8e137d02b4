import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import sharp from 'sharp';

/** The reference pictures, lossless WebP in few levels of colour. `npm run pictures` writes those that differ. */
const references = fileURLToPath(new URL('pictures/', import.meta.url));
/** Gets new pictures and differences. */
const results = join(tmpdir(), 'nas-pictures');

export const renews = process.env['NAS_PICTURES'] === 'renew';

/** Levels of each colour in a picture: fewer make smaller files. */
const levels = 16;
const step = 255 / (levels - 1);
/** The nearest level of each byte. */
const nearest = Uint8Array.from({ length: 256 }, (_, value) => Math.round(Math.round(value / step) * step));
/** A change of a colour by one level may be due to rounding. */
const sameColour = step + 1;
/** So many pixels may differ: less than a letter. */
const tolerance = 20;

/** Red, green and blue of each pixel, row by row. */
interface Pixels {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}

async function pixelsOf(picture: Buffer): Promise<Pixels> {
  const image = sharp(picture).removeAlpha().toColourspace('srgb').raw();
  const { data, info } = await image.toBuffer({ resolveWithObject: true });
  // A page has up to ten million bytes: a loop takes a tenth of the time of `map`.
  for (let i = 0; i < data.length; i++) data[i] = nearest[data[i]];
  return { data, ...info };
}

const encoded = ({ data, width, height }: Pixels): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ lossless: true, effort: 5 })
    .toBuffer();

/** Whether `there` has the colour of a pixel of `here` at most one pixel away: edges of letters vary between browsers. */
function hasNear({ data: own }: Pixels, { data, width, height }: Pixels, x: number, y: number): boolean {
  const at = 3 * (y * width + x);
  for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++)
    for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
      const other = 3 * (v * width + u);
      let most = 0;
      for (let c = 0; c < 3; c++) most = Math.max(most, Math.abs(own[at + c] - data[other + c]));
      if (most <= sameColour) return true;
    }
  return false;
}

/** The pixels whose colour the other picture has nowhere near. The pictures have the same size. */
export function differing(a: Pixels, b: Pixels): { readonly x: number; readonly y: number }[] {
  const found: { x: number; y: number }[] = [];
  for (let y = 0; y < a.height; y++)
    for (let x = 0; x < a.width; x++) {
      const at = 3 * (y * a.width + x);
      const isEqual =
        a.data[at] === b.data[at] && a.data[at + 1] === b.data[at + 1] && a.data[at + 2] === b.data[at + 2];
      if (!isEqual && !(hasNear(a, b, x, y) && hasNear(b, a, x, y))) found.push({ x, y });
    }
  return found;
}

function reference(name: string): Buffer | undefined {
  try {
    return readFileSync(join(references, `${name}.webp`));
  } catch {
    return undefined;
  }
}

/** What differs between a picture and its reference, in words; an empty text where nothing does. */
export async function differenceOf(picture: Buffer, name: string): Promise<string> {
  const old = reference(name);
  if (old === undefined) return 'there is no reference picture';
  const [now, before] = await Promise.all([pixelsOf(picture), pixelsOf(old)]);
  if (now.width !== before.width || now.height !== before.height)
    return `it has ${now.width} x ${now.height} pixels, the reference ${before.width} x ${before.height}`;
  const found = differing(now, before);
  if (found.length <= tolerance) return '';
  const xs = found.map(({ x }) => x);
  const ys = found.map(({ y }) => y);
  mkdirSync(results, { recursive: true });
  const shown = Buffer.from(now.data.map((value) => 191 + value / 4));
  for (const { x, y } of found) shown.set([255, 0, 0], 3 * (y * now.width + x));
  const file = join(results, `${name}.difference.webp`);
  writeFileSync(file, await encoded({ ...now, data: shown }));
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b));
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b));
  return `${found.length} pixels differ, between (${least(xs)}, ${least(ys)}) and (${most(xs)}, ${most(ys)}): ${file}`;
}

/** Names `folder` the same on every machine, wherever a page shows it. */
export async function renameFolder(page: Page, folder: string, name: string): Promise<void> {
  await page.evaluate(
    ([hidden, shown]) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node !== null; node = walker.nextNode())
        if (node.nodeValue?.includes(hidden) === true) node.nodeValue = node.nodeValue.replaceAll(hidden, shown);
    },
    [folder, name],
  );
}

/** The whole page. */
export async function take(page: Page, folder: string): Promise<Buffer> {
  await renameFolder(page, folder, '/home/you/runs');
  return page.screenshot({ fullPage: true, animations: 'disabled', caret: 'hide' });
}

/**
 * Compares a page with its reference picture, until they agree or the page stands still.
 * @returns the difference in words, or an empty text.
 */
export async function pictureProblem(page: Page, name: string, folder: string): Promise<string> {
  let last: Buffer | undefined;
  for (;;) {
    const picture = await take(page, folder);
    const problem = await differenceOf(picture, name);
    if (problem === '') return '';
    if (last?.equals(picture) !== true) {
      last = picture;
      await page.waitForTimeout(500);
      continue;
    }
    const small = await encoded(await pixelsOf(picture));
    const target = renews ? references : results;
    mkdirSync(target, { recursive: true });
    const file = join(target, `${name}.webp`);
    writeFileSync(file, small);
    return renews ? '' : `${name}: ${problem}. Now it looks like ${file}. If that is wanted: npm run pictures`;
  }
}
