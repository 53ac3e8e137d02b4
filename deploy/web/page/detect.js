/**
 * Boxes from the maps of a detector, as nas serve finds them; of centroids, the cells of their middles.
 *
 * @typedef {object} Maps
 * @property {number} rows
 * @property {number} columns
 * @property {number} stride pixels of the input for each cell
 * @property {Float32Array} classes [rows, columns, classes]: logits
 * @property {Float32Array} [boxes] absent for centroids; [rows, columns, 4]: dx, dy, log width, log height, in cells from the cell's centre
 *
 * @typedef {object} Rules
 * @property {number} most peaks of an image
 * @property {number} overlap of boxes from which the worse one is dropped
 * @property {number[]} thresholds least score of each class
 */

const sigmoid = (z) => 1 / (1 + Math.exp(-z));

/** Whether a logit is the largest of its class among the cell and its eight neighbours. Of equal ones the first is. */
function isPeak({ rows, columns, classes }, count, cell, label) {
  const logit = classes[cell * count + label];
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
    for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
      const other = y * columns + x;
      const value = classes[other * count + label];
      if (other < cell ? value >= logit : other > cell && value > logit) return false;
    }
  return true;
}

function boxAt({ columns, stride, boxes }, { cell, label, logit }) {
  const [dx, dy, ...logs] = boxes?.subarray(4 * cell, 4 * cell + 4) ?? [0, 0, 0, 0];
  const [width, height] = logs.map((log) => Math.exp(Math.min(6, Math.max(-4, log))) * stride);
  const [x, y] = [((cell % columns) + 0.5 + dx) * stride, (Math.floor(cell / columns) + 0.5 + dy) * stride];
  return {
    label,
    score: sigmoid(logit),
    left: x - width / 2,
    top: y - height / 2,
    right: x + width / 2,
    bottom: y + height / 2,
  };
}

const areaOf = ({ left, top, right, bottom }) => Math.max(0, right - left) * Math.max(0, bottom - top);

/** Intersection over union. */
function overlapOf(a, b) {
  const shared = areaOf({
    left: Math.max(a.left, b.left),
    top: Math.max(a.top, b.top),
    right: Math.min(a.right, b.right),
    bottom: Math.min(a.bottom, b.bottom),
  });
  return shared === 0 ? 0 : shared / (areaOf(a) + areaOf(b) - shared);
}

/**
 * The boxes of an image in pixels of the input, the best first.
 * @param {Maps} maps
 * @param {Rules} rules
 */
export function decode(maps, { most, overlap, thresholds }) {
  const count = thresholds.length;
  const peaks = [];
  for (let cell = 0; cell < maps.rows * maps.columns; cell++)
    for (let label = 0; label < count; label++) {
      const logit = maps.classes[cell * count + label];
      if (sigmoid(logit) >= thresholds[label] && isPeak(maps, count, cell, label)) peaks.push({ cell, label, logit });
    }
  peaks.sort((a, b) => b.logit - a.logit);
  const kept = [];
  for (const box of peaks.slice(0, most).map((peak) => boxAt(maps, peak)))
    if (!kept.some((other) => other.label === box.label && overlapOf(other, box) > overlap)) kept.push(box);
  return kept;
}

/**
 * Boxes in pixels of the original image, cut at its edges.
 * @param {[number, number]} image width and height
 * @param {{ left: number, top: number, shown: [number, number] }} placement `placementIn` of classify.js
 */
export function inOriginal(boxes, [width, height], { left, top, shown }) {
  const along = (value, from, side, most) => Math.min(most, Math.max(0, ((value - from) * most) / side));
  return boxes
    .map((box) => ({
      ...box,
      left: along(box.left, left, shown[0], width),
      right: along(box.right, left, shown[0], width),
      top: along(box.top, top, shown[1], height),
      bottom: along(box.bottom, top, shown[1], height),
    }))
    .filter((box) => box.right > box.left && box.bottom > box.top);
}
