/**
 * The classes of pixels from the map of a segmenter, as nas serve finds them.
 *
 * @typedef {object} ClassMap
 * @property {number} rows
 * @property {number} columns
 * @property {number} stride pixels of the input for each cell
 * @property {number} classes
 * @property {Float32Array} logits [rows, columns, classes]
 */

/** Between which two cells the middle of a pixel lies, and the share of the second one. */
const places = (pixels, cells, stride, shown, from) =>
  Array.from({ length: pixels }, (_, pixel) => {
    const at = (((pixel + 0.5) * shown) / pixels + from) / stride - 0.5;
    const cell = Math.min(cells - 1, Math.max(0, at));
    const first = Math.floor(cell);
    return { first, second: Math.min(cells - 1, first + 1), share: cell - first };
  });

/** The first of the largest logits between two cells of a row. */
function largest(row, left, right, share, classes) {
  let [best, most] = [0, -Infinity];
  for (let label = 0; label < classes; label++) {
    const value = row[left + label];
    const logit = value + (row[right + label] - value) * share;
    if (logit > most) [best, most] = [label, logit];
  }
  return best;
}

/**
 * The class of each pixel of an image, or of a smaller one: logits are upsampled bilinearly, and the largest is taken.
 * @param {ClassMap} map
 * @param {[number, number]} size width and height
 * @param {{ left: number, top: number, shown: [number, number] }} placement `placementIn` of classify.js
 * @returns {Uint8Array} [height, width]
 */
export function classesOfPixels({ rows, columns, stride, classes, logits }, [width, height], { left, top, shown }) {
  const across = places(width, columns, stride, shown[0], left);
  const row = new Float32Array(columns * classes);
  const mask = new Uint8Array(width * height);
  for (const [y, { first, second, share }] of places(height, rows, stride, shown[1], top).entries()) {
    for (let i = 0; i < row.length; i++) {
      const value = logits[first * row.length + i];
      row[i] = value + (logits[second * row.length + i] - value) * share;
    }
    const cells = Array.from({ length: columns }, (_, i) => largest(row, i * classes, i * classes, 0, classes));
    for (const [x, place] of across.entries()) {
      const label = cells[place.first];
      // A class that is the largest in both cells is the largest between them.
      mask[y * width + x] =
        label === cells[place.second]
          ? label
          : largest(row, place.first * classes, place.second * classes, place.share, classes);
    }
  }
  return mask;
}
