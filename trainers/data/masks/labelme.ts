import posix from 'node:path/posix';
import { z } from 'zod';
import { messageOf } from '../../../base/errors.js';
import { counted } from '../../../base/text.js';
import type { RawBox, RawImage } from '../boxes/raw.js';
import { splitOfPath } from '../boxes/split-paths.js';
import type { FileTree, StoredFile } from '../reading/files.js';
import { compareNames, kindOf } from '../reading/names.js';
import { drawnMasks } from './drawn.js';
import type { MaskFinding } from './findings.js';
import type { FoundMasks } from './found.js';
import type { ClassTable } from './names.js';
import { decodePicture, type Picture } from './picture.js';

const shapeSchema = z.object({
  label: z.string().min(1),
  points: z.array(z.tuple([z.number(), z.number()])).min(1),
  shape_type: z.string().nullish(),
  /** A PNG for the rectangle between the points, in base64. */
  mask: z.string().nullish(),
});
type Shape = z.output<typeof shapeSchema>;
const schema = z.object({
  shapes: z.array(shapeSchema),
  imagePath: z.string(),
  imageWidth: z.number().nullish(),
  imageHeight: z.number().nullish(),
});
type LabelMe = z.output<typeof schema>;

const isJson = ({ path }: StoredFile): boolean => /\.json$/i.test(path) && kindOf(path) !== 'hidden';
const looksLikeLabelMe = (bytes: Buffer): boolean => bytes.includes('"shapes"') && bytes.includes('"imagePath"');

/** Whether the first JSON file is one of LabelMe. */
export async function holdsLabelMe(tree: FileTree): Promise<boolean> {
  const first = tree.files.filter(isJson).slice(0, 1);
  for await (const { load } of tree.read(first)) return looksLikeLabelMe(await load());
  return false;
}

/** Reads the shapes in a JSON file for each image; null: there are none. */
export async function findLabelMe(tree: FileTree, table: ClassTable | null): Promise<FoundMasks | null> {
  const images = tree.files.filter(({ path }) => kindOf(path) === 'image');
  const beside = new Map(images.map((file) => [stemOf(file), file]));
  const found: RawImage[] = [];
  const findings: MaskFinding[] = [];
  const skipped = new Map<string, number>();
  const files = tree.files.filter(isJson);
  for await (const { index, load } of tree.read(files)) {
    const bytes = await load();
    if (!looksLikeLabelMe(bytes)) continue;
    const { path } = files[index];
    const image = beside.get(stemOf(files[index]));
    try {
      const own = parse(bytes);
      const boxes: RawBox[] = [];
      for (const shape of own.shapes) {
        const segmentation = await segmentationOf(shape, own);
        const type = shape.shape_type ?? 'polygon';
        if (segmentation === null) skipped.set(type, (skipped.get(type) ?? 0) + 1);
        else boxes.push(boxOf(shape, segmentation, path));
      }
      const { imageWidth: width, imageHeight: height } = own;
      found.push({
        image: image ?? own.imagePath,
        folder: path.split('/').slice(0, -1).join('/'),
        boxes,
        extent: width && height ? { width, height } : null,
        split: splitOfPath(image?.path ?? path),
        where: () => path,
      });
    } catch (error) {
      findings.push({
        kind: 'unreadable',
        where: path,
        detail: messageOf(error).split('\n')[0],
        image: image?.path ?? null,
      });
    }
  }
  if (found.length === 0) return null;
  const labels = found.flatMap(({ boxes }) => boxes.map(({ label }) => String(label))).sort(compareNames);
  const listed = table?.entries.map(({ name }) => name) ?? [];
  const classes = [...new Set([...listed, ...labels])].filter((name) => !isBackground(name) && name !== ignored);
  const numbered = found.map((one) => ({
    ...one,
    boxes: one.boxes.map((box) => ({ ...box, label: classes.indexOf(String(box.label)) })),
  }));
  const notes = [...skipped].map(
    ([type, count]) => `${counted(count, 'shape')} of the type ${type}, without an area, left out.`,
  );
  const drawn = drawnMasks(tree, images, { images: numbered, classes, notes }, table?.name ?? "LabelMe's shapes");
  const used = new Set([...drawn.files.map(({ file }) => file.path), ...findings.map(({ image }) => image)]);
  const missing = images.flatMap(({ path }): MaskFinding[] =>
    used.has(path) ? [] : [{ kind: 'missing', where: path, detail: '', image: path }],
  );
  return { ...drawn, findings: [...drawn.findings, ...findings, ...missing] };
}

/** LabelMe's own names for pixels outside of all shapes (`isBackground`), and for ignored pixels. */
const isBackground = (label: string): boolean => label === '_background_' || label === 'background';
const ignored = '__ignore__';

const stemOf = ({ path }: StoredFile): string => path.slice(0, -posix.extname(path).length);

function parse(bytes: Buffer): LabelMe {
  const read = schema.safeParse(jsonOf(bytes));
  if (read.success) return read.data;
  const [{ path, message }] = read.error.issues;
  throw new Error(`${path.join('.')}: ${message}`);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw new Error('no whole JSON: save it again', { cause });
  }
}

function boxOf({ label, points: corners }: Shape, shape: unknown, path: string): RawBox {
  const [xs, ys] = [0, 1].map((axis) => corners.map((point) => point[axis]));
  return {
    ...{ left: Math.min(...xs), top: Math.min(...ys), right: Math.max(...xs), bottom: Math.max(...ys) },
    ...{ label, shape, ignored: label === ignored },
    where: () => path,
  };
}

/** A shape as COCO writes it; null: it has no area. */
async function segmentationOf({ points: corners, shape_type, mask }: Shape, image: LabelMe): Promise<unknown> {
  const [[x1, y1], [x2, y2] = [NaN, NaN]] = corners;
  const type = shape_type ?? 'polygon';
  if (type === 'rectangle' && corners.length === 2) return [[x1, y1, x2, y1, x2, y2, x1, y2]];
  if (type === 'polygon' || type.endsWith('rectangle')) return [corners.flat()];
  if (type === 'circle') {
    const radius = Math.hypot(x2 - x1, y2 - y1);
    const turns = Array.from({ length: circleCorners }, (_, i) => (2 * Math.PI * i) / circleCorners);
    return [turns.flatMap((turn) => [x1 + radius * Math.cos(turn), y1 + radius * Math.sin(turn)])];
  }
  return type === 'mask' && mask ? runsOf(await decodePicture(Buffer.from(mask, 'base64')), corners[0], image) : null;
}
const circleCorners = 128;

/** The run lengths of a mask that lies at a corner of an image. */
function runsOf({ width, height, channels, data }: Picture, corner: readonly number[], image: LabelMe) {
  const [left, top] = corner.map(Math.trunc);
  const size = [image.imageHeight ?? 0, image.imageWidth ?? 0];
  const counts: number[] = [];
  let end = 0;
  for (let x = Math.max(0, -left); x < Math.min(width, size[1] - left); x++)
    for (let y = Math.max(0, -top); y < Math.min(height, size[0] - top); y++) {
      if (data[(y * width + x) * channels] === 0) continue;
      const at = (left + x) * size[0] + top + y;
      if (counts.length > 0 && at === end) counts[counts.length - 1]++;
      else counts.push(at - end, 1);
      end = at + 1;
    }
  return { size, counts };
}
