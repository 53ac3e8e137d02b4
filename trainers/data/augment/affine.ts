import { reflect, type ImageShape, type Pixels } from './image.js';

/** The point of the image that a pixel of the result shows: x' = xx x + xy y + x0, in pixels from the centre. */
export interface Affine {
  readonly xx: number;
  readonly xy: number;
  readonly x0: number;
  readonly yx: number;
  readonly yy: number;
  readonly y0: number;
}

export const identity: Affine = { xx: 1, xy: 0, x0: 0, yx: 0, yy: 1, y0: 0 };

export function rotated(degrees: number): Affine {
  const angle = (degrees * Math.PI) / 180;
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  return { ...identity, xx: cosine, xy: -sine, yx: sine, yy: cosine };
}

/** Samples the image with bilinear interpolation; it is reflected at its borders. */
export function sample(
  image: Pixels,
  into: Pixels,
  { height, width, channels }: ImageShape,
  { xx, xy, x0, yx, yy, y0 }: Affine,
): void {
  const [middleX, middleY] = [(width - 1) / 2, (height - 1) / 2];
  for (let row = 0, out = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [dx, dy] = [column - middleX, row - middleY];
      const x = xx * dx + xy * dy + x0 + middleX;
      const y = yx * dx + yy * dy + y0 + middleY;
      const [left, top] = [Math.floor(x), Math.floor(y)];
      const [toRight, toBottom] = [x - left, y - top];
      const upper = reflect(top, height) * width;
      const lower = reflect(top + 1, height) * width;
      const first = reflect(left, width);
      const second = reflect(left + 1, width);
      for (let c = 0; c < channels; c++) {
        const a = image[(upper + first) * channels + c];
        const b = image[(upper + second) * channels + c];
        const d = image[(lower + first) * channels + c];
        const e = image[(lower + second) * channels + c];
        const above = a + toRight * (b - a);
        into[out++] = above + toBottom * (d + toRight * (e - d) - above);
      }
    }
  }
}
