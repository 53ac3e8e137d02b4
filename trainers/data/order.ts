import { countsOf } from '../../base/group.js';
import { Random } from '../../base/random.js';

/** The images of one pass over a split, in their order. */
export interface Pass {
  /** Positions in the split. */
  readonly positions: Uint32Array;
  /** The view of each. Every time that an image is shown, in this pass or another, it has another view. */
  readonly views: Uint32Array;
}

/** The order of a split's positions in a pass: Fisher-Yates from (seed, pass). */
export function passOrder(count: number, seed: number, pass: number, shuffle: boolean): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return shuffle ? new Random(seed, 'order', pass).shuffle(order) : order;
}

/** A pass that shows each image once. */
export const naturalPass = (count: number, seed: number, pass: number, shuffle: boolean): Pass => ({
  positions: passOrder(count, seed, pass, shuffle),
  views: new Uint32Array(count).fill(pass),
});

/** A pass that shows `views` views of each image, one after the other, in the order of the split. */
export const sideBySide = (count: number, views: number): Pass => ({
  positions: Uint32Array.from({ length: count * views }, (_, i) => Math.floor(i / views)),
  views: Uint32Array.from({ length: count * views }, (_, i) => i % views),
});

/** A pass over labelled images and the images at the positions after them, in one random order. */
export function joinedPass(labelled: Pass, count: number, seed: number, pass: number): Pass {
  const first = labelled.positions.length;
  const order = new Random(seed, 'joined', pass).shuffle(Uint32Array.from({ length: count }, (_, i) => i));
  return {
    positions: order.map((i) => (i < first ? labelled.positions[i] : i)),
    views: order.map((i) => (i < first ? labelled.views[i] : pass)),
  };
}

/**
 * Passes over a split that show as many images as it has, and the same number of each class (to within one). A pass repeats all
 * images of a rare class equally often (to within one) and draws a random part of a frequent class.
 * @param labels class of each position
 * @returns a pass, a pure function of (seed, pass)
 */
export function balancedPasses(labels: Uint16Array, classes: number, seed: number): (pass: number) => Pass {
  const members = Array.from({ length: classes }, (): number[] => []);
  for (const [position, label] of labels.entries()) members[label].push(position);
  const filled = members.filter((positions) => positions.length > 0);
  const quota = Math.floor(labels.length / filled.length);
  const most = Math.max(...filled.map((positions) => Math.ceil((quota + 1) / positions.length)));

  return (pass) => {
    const random = new Random(seed, 'balanced', pass);
    // Classes that show one image more than the others, where their number does not divide the images.
    const extra = random.shuffle(Uint32Array.from(filled.keys())).subarray(0, labels.length - quota * filled.length);
    const [positions, shown] = [new Uint32Array(labels.length), new Uint32Array(labels.length)];
    let at = 0;
    for (const [i, images] of filled.entries()) {
      const own = random.shuffle(Uint32Array.from(images));
      const count = quota + (extra.includes(i) ? 1 : 0);
      for (let k = 0; k < count; k++, at++) {
        positions[at] = own[k % own.length];
        shown[at] = pass * most + Math.floor(k / own.length);
      }
    }
    const order = random.shuffle(Uint32Array.from(labels.keys()));
    return { positions: order.map((i) => positions[i]), views: order.map((i) => shown[i]) };
  };
}

/**
 * Passes over a split that show as many images as it has, and images of rare classes more often than others: by the square root of how
 * much rarer than the commonest class the rarest class of an image is (repeat factors; Gupta et al. 2019, LVIS).
 * @param classesOf the classes of each position; an image without any is as common as the commonest
 * @returns a pass, a pure function of (seed, pass)
 */
export function repeatedPasses(classesOf: readonly ReadonlySet<number>[], seed: number): (pass: number) => Pass {
  const images = countsOf(classesOf.flatMap((classes) => [...classes]));
  const most = Math.max(1, ...images.values());
  const factors = classesOf.map((classes) =>
    Math.max(1, ...[...classes].map((label) => Math.sqrt(most / (images.get(label) ?? most)))),
  );
  const count = classesOf.length;
  const spacing = factors.reduce((sum, factor) => sum + factor, 0) / count;
  // Numbers of views that each pass takes, so that no image is shown twice in one view.
  const numbers = Math.ceil(Math.max(...factors) / spacing) + 1;
  return (pass) => {
    const random = new Random(seed, 'repeated', pass);
    const line = random.shuffle(Uint32Array.from(factors.keys()));
    const [positions, shown] = [new Uint32Array(count), new Uint32Array(count)];
    // Images lie on a line, each as long as its factor; those at equal distances are shown.
    const from = random.uniform();
    let [next, end] = [0, 0];
    for (const position of line) {
      end += factors[position];
      for (let k = 0; next < count && (from + next) * spacing < end; k++, next++) {
        positions[next] = position;
        shown[next] = pass * numbers + k;
      }
    }
    const order = random.shuffle(Uint32Array.from(positions.keys()));
    return { positions: order.map((i) => positions[i]), views: order.map((i) => shown[i]) };
  };
}
