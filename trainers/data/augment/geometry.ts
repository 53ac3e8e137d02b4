import { areaOf, intersection, type Box } from '../../../base/boxes.js';

/** Where a point of an image lies in its view: scale * x + shift. A negative scale mirrors. */
export interface Axis {
  readonly scale: number;
  readonly shift: number;
}

/** Where an image lies in a view: one geometry for its pixels, boxes, mask, and for what a teacher answers of it. */
export interface Place {
  readonly x: Axis;
  readonly y: Axis;
  /** The part of the view that shows the image. */
  readonly part: Box;
}

/** The two ends of a range on an axis, the smaller first. */
export function along({ scale, shift }: Axis, from: number, to: number): [from: number, to: number] {
  const [a, b] = [scale * from + shift, scale * to + shift];
  return a <= b ? [a, b] : [b, a];
}

/** The axis from the view to the image. */
export const inverse = ({ scale, shift }: Axis): Axis => ({ scale: 1 / scale, shift: -shift / scale });

function moved({ x, y }: Place, box: Box): Box {
  const [left, right] = along(x, box.left, box.right);
  const [top, bottom] = along(y, box.top, box.bottom);
  return { left, right, top, bottom };
}

/** A box of an image in pixels of the view, cut at the part that shows the image; null where at most the share `visible` of its area remains. */
export function visiblePart(place: Place, box: Box, visible: number): Box | null {
  const whole = moved(place, box);
  const cut = intersection(whole, place.part);
  return areaOf(cut) > visible * areaOf(whole) ? cut : null;
}

const turned = ({ scale, shift }: Axis, side: number): Axis => ({ scale: -scale, shift: side - shift });

/** The same in the mirrored view. */
export const mirrored = <P extends Place>(place: P, width: number): P => ({
  ...place,
  x: turned(place.x, width),
  part: { ...place.part, left: width - place.part.right, right: width - place.part.left },
});

/** The same in the view upside down. */
export const upsideDown = <P extends Place>(place: P, height: number): P => ({
  ...place,
  y: turned(place.y, height),
  part: { ...place.part, top: height - place.part.bottom, bottom: height - place.part.top },
});

const still: Axis = { scale: 1, shift: 0 };

/** The place of an image that a view of the same size shows as it is. */
export const wholePlace = (height: number, width: number): Place => ({
  x: still,
  y: still,
  part: { left: 0, top: 0, right: width, bottom: height },
});
