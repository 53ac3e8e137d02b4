import { areaOf, intersection, iou, type Extent, type LabelledBox } from '../../../base/boxes.js';
import type { RawBox } from './raw.js';

/** What is wrong with boxes and images, with the words of reports, the worst first. `left out` is said where they are not used. */
export const findingKinds = {
  missing: ['image without a file, left out', 'images without a file, left out'],
  damaged: ['image that cannot be read, left out', 'images that cannot be read, left out'],
  extent: ['image of another size than written', 'images of another size than written'],
  unknown: ['box of an unknown class, left out', 'boxes of unknown classes, left out'],
  inverted: ['box without width or height, left out', 'boxes without width or height, left out'],
  outside: ['box outside of its image, left out', 'boxes outside of their images, left out'],
  clipped: ['box that leaves its image, cut', 'boxes that leave their images, cut'],
  doubled: ['box that is there twice, left out once', 'boxes that are there twice, left out once'],
  conflict: ['box on another one of another class', 'boxes on others of another class'],
  tiny: ['box under 3 pixels wide or high', 'boxes under 3 pixels wide or high'],
  orphan: ['file with boxes, but without an image', 'files with boxes, but without images'],
  repeated: ['image that is listed twice, with all its boxes', 'images that are listed twice, with all their boxes'],
} as const;
export type FindingKind = keyof typeof findingKinds;

export interface Finding<Kind extends string = FindingKind> {
  readonly kind: Kind;
  /** `labels/a.txt, line 3`. */
  readonly where: string;
  /** Values. */
  readonly detail: string;
  /** Path of the image; null: it has no file. */
  readonly image: string | null;
}

/** Boxes reach this far outside by rounding. */
const tolerance = 1;
/** Boxes that share so much are one object. */
const same = 0.95;
const tiny = 3;

const shown = ({ left, top, right, bottom }: RawBox): string =>
  [left, top, right, bottom].map((value) => Number(value.toFixed(1))).join(', ');

/**
 * The boxes of an image that can be used, cut at its borders.
 * @param boxes in pixels
 */
export function checkBoxes(
  image: string,
  { width, height }: Extent,
  boxes: readonly RawBox[],
): { readonly kept: readonly LabelledBox[]; readonly findings: readonly Finding[] } {
  const kept: LabelledBox[] = [];
  const findings: Finding[] = [];
  const whole = { left: 0, top: 0, right: width, bottom: height };
  for (const box of boxes) {
    const find = (kind: FindingKind, detail: string): void => {
      findings.push({ kind, where: box.where(), detail, image });
    };
    if (typeof box.label === 'string') {
      find('unknown', box.label);
      continue;
    }
    const corners = `${shown(box)} (left, top, right, bottom)`;
    if (box.right <= box.left || box.bottom <= box.top) {
      find('inverted', corners);
      continue;
    }
    const inside = intersection(box, whole);
    const inImage = `${corners} of ${width} x ${height}`;
    if (areaOf(inside) === 0) {
      find('outside', inImage);
      continue;
    }
    const twin = kept.find((other) => iou(other, inside) >= same);
    if (twin?.label === box.label) {
      find('doubled', corners);
      continue;
    }
    if (twin !== undefined) find('conflict', corners);
    const over = Math.max(-box.left, -box.top, box.right - width, box.bottom - height);
    if (over > tolerance) find('clipped', inImage);
    else if (Math.min(inside.right - inside.left, inside.bottom - inside.top) < tiny) find('tiny', corners);
    kept.push({ ...inside, label: box.label, ignored: box.ignored, ...(box.crowd === true && { crowd: true }) });
  }
  return { kept, findings };
}
