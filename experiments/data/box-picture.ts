import type { OverlayOptions, Sharp } from 'sharp';
import { areaOf, intersection, type Box, type Extent } from '../../base/boxes.js';
import { isError, kindMarks, seenKinds, type SeenImage } from '../../base/seen-boxes.js';
import { readCachedImage } from '../../trainers/data/cache.js';
import { placementIn } from '../../base/detections.js';
import { escaped } from './svg-text.js';

/** How a box is drawn, in pixels of its image. */
export interface BoxMark extends Box {
  readonly colour: string;
  /** Width of the line in pixels of the picture. */
  readonly line: number;
  /** As in SVG; empty: solid. */
  readonly dash: string;
  /** Written at the box where there is room. */
  readonly text?: string;
}

export interface PictureOptions {
  /** The longer side where the picture is shown, in pixels. */
  readonly side: number;
  /** Pixels of the file for each of them; default 1. */
  readonly density?: number;
  /** Whether white bars make the picture square; default: no. */
  readonly square?: boolean;
}

/** Under lines and texts, so that they are seen on any ground. */
const edge = '#111111';
const textSize = 10;
const mostTexts = 4;
/** Names of classes are cut, and smaller pictures have none: they would hide the image. */
const mostLetters = 18;
const leastForTexts = 300;

/** A mark in pixels of the picture. */
const placed = (mark: BoxMark, scale: number, [x, y]: readonly [number, number]): BoxMark => ({
  ...mark,
  left: x + mark.left * scale,
  right: x + mark.right * scale,
  top: y + mark.top * scale,
  bottom: y + mark.bottom * scale,
});

function rectangle({ left, top, right, bottom }: Box, colour: string, line: number, more: string): string {
  const [x, y, width, height] = [left, top, right - left, bottom - top].map((value) => value.toFixed(1));
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="none" stroke="${colour}" stroke-width="${line}"${more}/>`;
}

/** The edge has the dashes of the line: on light ground, it would look like a solid line. */
function shape(mark: BoxMark): string {
  const dash = mark.dash === '' ? '' : ` stroke-dasharray="${mark.dash}"`;
  return (
    rectangle(mark, edge, mark.line + 1.6, ` stroke-opacity="0.6"${dash}`) +
    rectangle(mark, mark.colour, mark.line, dash)
  );
}

/** Texts above their boxes, or below at the upper border; texts that would lie on others, and many, are left out. */
function texts(marks: readonly BoxMark[], { width, height }: Extent): string[] {
  const taken: Box[] = [];
  return marks.flatMap(({ text = '', left, top, bottom }) => {
    if (text === '' || taken.length === mostTexts) return [];
    const wide = 0.62 * textSize * text.length + 6;
    const x = Math.max(0, Math.min(left, width - wide));
    const y = top >= textSize + 4 ? top - textSize - 4 : Math.min(bottom, height - textSize - 4);
    const place = { left: x, right: x + wide, top: y, bottom: y + textSize + 4 };
    if (wide > width || taken.some((other) => areaOf(intersection(other, place)) > 0)) return [];
    taken.push(place);
    return [
      `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${wide.toFixed(1)}" height="${textSize + 4}" fill="${edge}" fill-opacity="0.75"/>` +
        `<text x="${(x + 3).toFixed(1)}" y="${(y + textSize).toFixed(1)}" font-size="${textSize}" fill="#ffffff">${escaped(text)}</text>`,
    ];
  });
}

/**
 * Draws boxes on a whole image, the first ones below the others. The one renderer of boxes: sheets, pages and reports show its pictures.
 * @param extent of the image, whose pixels the marks have
 * @returns a WebP file
 */
export async function drawBoxes(
  image: Sharp,
  extent: Extent,
  marks: readonly BoxMark[],
  { side, density = 1, square = false }: PictureOptions,
): Promise<Buffer> {
  return framed(image, extent, { side, density, square }, ({ width, height, scale, at }) => {
    const drawn = marks.map((mark) => placed(mark, scale, at));
    const content = [...drawn.map(shape), ...texts(drawn.toReversed(), { width, height })].join('');
    const font = 'font-family="Inter, \'DejaVu Sans\', sans-serif"';
    const size = `width="${width * density}" height="${height * density}" viewBox="0 0 ${width} ${height}"`;
    return { input: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${size} ${font}>${content}</svg>`) };
  });
}

/** Where an image lies in its picture, before the density. */
interface Frame extends Extent {
  /** Pixels of the picture for each of the image. */
  readonly scale: number;
  /** Its upper left corner. */
  readonly at: readonly [x: number, y: number];
  readonly whole: readonly [width: number, height: number];
}

/** A whole image as a WebP file, with something drawn over it. */
export async function framed(
  image: Sharp,
  extent: Extent,
  { side, density = 1, square = false }: PictureOptions,
  draw: (frame: Frame) => OverlayOptions,
): Promise<Buffer> {
  const scale = side / Math.max(extent.width, extent.height);
  const whole = [
    Math.max(1, Math.round(extent.width * scale)),
    Math.max(1, Math.round(extent.height * scale)),
  ] as const;
  const [width, height] = square ? [side, side] : whole;
  const [x, y] = [Math.floor((width - whole[0]) / 2), Math.floor((height - whole[1]) / 2)];
  const [left, top, background] = [x * density, y * density, '#ffffff'];
  return image
    .flatten({ background })
    .toColourspace('srgb')
    .resize(whole[0] * density, whole[1] * density, { fit: 'fill' })
    .extend({
      left,
      right: (width - whole[0]) * density - left,
      top,
      bottom: (height - whole[1]) * density - top,
      background,
    })
    .composite([draw({ width, height, scale, at: [x, y], whole })])
    .webp({ quality: 80, smartSubsample: true })
    .toBuffer();
}

/**
 * A picture of an image that a detector was evaluated on, from the converted data set.
 * @param classes their names; with one class, boxes have no texts
 * @throws Error when there is no such data set or image
 */
export async function boxesPicture(
  directory: string,
  { row, width, height, boxes }: SeenImage,
  classes: readonly string[],
  options: PictureOptions,
): Promise<Buffer> {
  const { default: sharp } = await import('sharp');
  const { pixels, channels, ...size } = readCachedImage(directory, row);
  const { left, top, scaleX, scaleY } = placementIn(
    { width, height },
    { size: [size.height, size.width], fit: 'contain' },
  );
  const raw = { width: size.width, height: size.height, channels: channels === 1 ? 1 : 3 } as const;
  const area = { left, top, width: Math.round(width * scaleX), height: Math.round(height * scaleY) };
  const isLarge = options.side >= leastForTexts;
  // Cut out first: one pipeline of sharp has one order of its steps.
  const shown = await sharp(pixels, { raw }).extract(area).png().toBuffer();
  const marks = [...boxes]
    .sort((a, b) => seenKinds.indexOf(a.kind) - seenKinds.indexOf(b.kind))
    .map(({ kind, label, score, ...box }): BoxMark => {
      const { colour, dash } = kindMarks[kind];
      const text = `${classes[label].slice(0, mostLetters)}${score === undefined ? '' : ` ${score.toFixed(2)}`}`;
      const isNamed = isLarge && isError({ kind }) && classes.length > 1;
      return { ...box, colour, dash, line: kind === 'ignored' ? 1 : isLarge ? 2.2 : 1.6, ...(isNamed && { text }) };
    });
  return drawBoxes(sharp(shown), { width, height }, marks, options);
}
