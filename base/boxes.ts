/** A rectangle of pixels; `bottom` and `right` lie outside. */
export interface Box {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

/** Width and height of an image in pixels. */
export interface Extent {
  readonly width: number;
  readonly height: number;
}

/** A box with its class. */
export interface LabelledBox extends Box {
  /** Index of the class. */
  readonly label: number;
  /** A crowd, or too difficult: neither right nor wrong in the loss and the score. */
  readonly ignored: boolean;
  /** One box around many objects, which is ignored: found boxes that lie in it are neither right nor wrong. */
  readonly crowd?: true;
}

export const areaOf = ({ top, bottom, left, right }: Box): number =>
  Math.max(0, right - left) * Math.max(0, bottom - top);

/** The part that two boxes share; its area is 0 where they share none. */
export const intersection = (a: Box, b: Box): Box => ({
  top: Math.max(a.top, b.top),
  bottom: Math.min(a.bottom, b.bottom),
  left: Math.max(a.left, b.left),
  right: Math.min(a.right, b.right),
});

/** Intersection over union. */
export function iou(a: Box, b: Box): number {
  const shared = areaOf(intersection(a, b));
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared);
}
