/**
 * Where the axes of a graph's tensors lie in the tensors of a program. Graphs transpose and reshape their tensors as they like;
 * in a program an image always lies as rows, columns, channels. Most moves therefore move nothing, and only change which axis
 * of the graph's tensor is which part of the stored one.
 */

import type { ImageSize } from '../../base/image-pixels.js';
import { product } from '../../base/statistics.js';

/** A run of equal steps through a stored tensor; a part has an identity, and is never of size 1. */
interface AxisPart {
  readonly size: number;
}

/** The parts of a stored tensor, slowest first, and the parts that make up each axis of the graph's tensor. */
export interface Placement {
  readonly stored: readonly AxisPart[];
  readonly axes: readonly (readonly AxisPart[])[];
}

const partOf = (size: number): readonly AxisPart[] => (size === 1 ? [] : [{ size }]);

const sizeOf = (parts: readonly AxisPart[]): number => product(parts.map(({ size }) => size));

/** A tensor whose axes lie as they are written. */
export function plain(shape: readonly number[]): Placement {
  const axes = shape.map(partOf);
  return { stored: axes.flat(), axes };
}

/** An image [1, height, width, channels] whose axes the graph has in the order [1, channels, height, width]. */
export function channelsFirst([height, width, channels]: ImageSize): Placement {
  const [h, w, c] = [height, width, channels].map(partOf);
  return { stored: [...h, ...w, ...c], axes: [[], c, h, w] };
}

/** A vector [1, 1, 1, channels] that the graph has as [1, channels]. */
export const vector = (channels: number): Placement => plain([1, channels]);

export const transposed = ({ stored, axes }: Placement, order: readonly number[]): Placement => ({
  stored,
  axes: order.map((axis) => axes[axis]),
});

/** The same numbers in other axes; undefined where a size would take a fraction of a part. */
export function reshaped({ stored, axes }: Placement, shape: readonly number[]): Placement | undefined {
  const rest = axes.flat();
  const halves = new Map<AxisPart, readonly AxisPart[]>();
  const cut = shape.map((size) => {
    const taken: AxisPart[] = [];
    let wanted = size;
    while (wanted > 1) {
      const next = rest.shift();
      if (next === undefined) return undefined;
      if (wanted % next.size === 0) {
        taken.push(next);
        wanted /= next.size;
      } else if (next.size % wanted === 0) {
        const [outer, inner] = [{ size: wanted }, { size: next.size / wanted }];
        const whole = [...halves].find(([, parts]) => parts.includes(next));
        if (whole === undefined) halves.set(next, [outer, inner]);
        else
          halves.set(
            whole[0],
            whole[1].flatMap((part) => (part === next ? [outer, inner] : [part])),
          );
        taken.push(outer);
        rest.unshift(inner);
        wanted = 1;
      } else return undefined;
    }
    return taken;
  });
  if (rest.length > 0 || !cut.every((axis) => axis !== undefined)) return undefined;
  return { stored: stored.flatMap((part) => halves.get(part) ?? [part]), axes: cut };
}

/** How a stored tensor becomes an image [1, height, width, channels]. */
export interface ImageForm {
  readonly size: ImageSize;
  /** Channels are in groups that must be transposed first; absent: they lie in order. */
  readonly groups?: number;
}

/**
 * Reads a tensor [1, channels, height, width] or [1, channels] of the graph as an image; undefined where its numbers lie in
 * another order.
 */
export function imageForm({ stored, axes }: Placement): ImageForm | undefined {
  if ((axes.length !== 4 && axes.length !== 2) || axes[0].length > 0) return undefined;
  const [, channels, rows = [], columns = []] = axes;
  const size = [rows, columns, channels].map(sizeOf) as unknown as ImageSize;
  const around = [...rows, ...columns];
  const isAt = (parts: readonly AxisPart[], from: number) => parts.every((part, i) => stored[from + i] === part);
  if (!isAt(around, 0)) return undefined;
  if (isAt(channels, around.length)) return { size };
  // Each cut of the channels in two, with the parts exchanged.
  for (let at = 1; at < channels.length; at++) {
    const turned = [...channels.slice(at), ...channels.slice(0, at)];
    if (isAt(turned, around.length)) return { size, groups: sizeOf(channels.slice(at)) };
  }
  return undefined;
}

/** Whether two tensors of the graph have the same axes at the same places. */
export const alike = (a: Placement, b: Placement): boolean => layoutText(a) === layoutText(b);

const layoutText = ({ stored, axes }: Placement): string =>
  axes.map((parts) => parts.map((part) => `${stored.indexOf(part)}:${part.size}`).join('.')).join(' ');
