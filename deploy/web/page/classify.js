/**
 * A network for images in a browser: onnxruntime-web on one thread. Other pages use it as this one does.
 *
 * @typedef {object} Facts What the model takes and gives.
 * @property {string[]} classes names of the outputs, in order
 * @property {'classification' | 'multi-label' | 'regression' | 'detection' | 'centroids' | 'segmentation'} task
 * @property {[number, number, number]} input height, width and channels
 * @property {number[]} mean of pixel / 255, per channel
 * @property {number[]} std
 * @property {{ fit: string, background: string, resampling: string }} preprocess
 * @property {{ stride: number, most: number, overlap: number, thresholds: number[] }} [detection] of a detector
 * @property {{ stride: number }} [segmentation] of a segmenter
 */

/*
 * Images are resized as the training does it, with libvips's filters: each browser's canvas resizes in another way. The
 * pixels differ from the training's by less than three levels of 255 on average for edges and noise, one for photographs.
 */

const cubic = (b, c) => (x) =>
  x < 1
    ? ((12 - 9 * b - 6 * c) * x ** 3 + (-18 + 12 * b + 6 * c) * x ** 2 + 6 - 2 * b) / 6
    : ((-b - 6 * c) * x ** 3 + (6 * b + 30 * c) * x ** 2 + (-12 * b - 48 * c) * x + 8 * b + 24 * c) / 6;
const sinc = (x) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

/** Filters for shrinking. `reach`: the largest distance of a neighbour, in pixels of the result; `weight`: by distance. */
const filters = {
  lanczos3: { reach: 3, weight: (x) => sinc(x) * sinc(x / 3) },
  mitchell: { reach: 2, weight: cubic(1 / 3, 1 / 3) },
  cubic: { reach: 2, weight: cubic(0, 1 / 2) },
  linear: { reach: 1, weight: (x) => 1 - x },
};

/**
 * Resizes a row of `from` pixels to `to` pixels, of which each covers `scale`: the index of the first neighbour of each, and
 * the weights of its neighbours.
 */
function taps(from, to, scale, name) {
  // Enlarging interpolates with a cubic, unless the filter is simpler.
  const { reach, weight } = filters[scale < 1 && name !== 'linear' ? 'cubic' : name];
  const wide = Math.max(1, scale);
  // Rounding the size leaves a part of a pixel; each side gets half of it.
  const rest = to * scale - from;
  return Array.from({ length: to }, (_, i) => {
    // libvips enlarges from the upper left corner.
    const centre = scale < 1 ? i * scale : (i + 0.5) * scale - rest / 2;
    const start = Math.max(0, Math.ceil(centre - reach * wide - 0.5));
    const end = Math.min(from, Math.floor(centre + reach * wide + 0.5));
    const weights = Array.from({ length: end - start }, (_, k) => {
      const distance = Math.abs(start + k + 0.5 - centre) / wide;
      return distance < reach ? weight(distance) : 0;
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    return { start, weights: weights.map((one) => one / sum) };
  });
}

/** Filters one axis of bytes [outer, from, inner]. */
function resample(data, outer, from, inner, all) {
  const result = new Uint8ClampedArray(outer * all.length * inner);
  for (let o = 0, at = 0; o < outer; o++)
    for (const { start, weights } of all)
      for (let i = 0; i < inner; i++, at++) {
        let sum = 0;
        for (let k = 0, p = (o * from + start) * inner + i; k < weights.length; k++, p += inner)
          sum += weights[k] * data[p];
        result[at] = sum;
      }
  return result;
}

/** The means of blocks of n x n pixels; incomplete blocks at the end are left out. */
function shrunk({ data, height, width }, n) {
  const size = [height, width].map((side) => Math.max(1, Math.floor(side / n)));
  const result = new Uint8ClampedArray(size[0] * size[1] * 4);
  for (let y = 0, at = 0; y < size[0]; y++)
    for (let x = 0; x < size[1]; x++)
      for (let c = 0; c < 4; c++, at++) {
        let sum = 0;
        for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) sum += data[((y * n + j) * width + x * n + i) * 4 + c];
        result[at] = sum / n ** 2;
      }
  return { data: result, height: size[0], width: size[1] };
}

/** Number of pixels that become one, in height and width; the image is cut or gets bars afterwards. */
const scalesOf = {
  cover: (vertical, horizontal) => Array(2).fill(Math.min(vertical, horizontal)),
  contain: (vertical, horizontal) => Array(2).fill(Math.max(vertical, horizontal)),
  stretch: (vertical, horizontal) => [vertical, horizontal],
};

/** Every browser has canvases of this many pixels. */
const mostPixels = 16e6;

/** Whether a file is a JPEG. sharp reads a JPEG shrunk by 2, 4 or 8 when it has at least 3, 5 or 9 times the size. */
async function isJpeg(source) {
  if (!(source instanceof Blob)) return false;
  const [first, second] = new Uint8Array(await source.slice(0, 2).arrayBuffer());
  return first === 0xff && second === 0xd8;
}

/**
 * The pixels of an image [height, width, 4], resized.
 *
 * @param {ImageBitmapSource} source a file, for example
 * @param {[number, number]} size height and width
 * @param {{ fit: string, background: string, resampling: string }} preprocess
 * @returns {Promise<Uint8ClampedArray>}
 */
async function render(source, size, { fit, background, resampling }) {
  let image = await decoded(source, background);
  const scales = () => scalesOf[fit](image.height / size[0], image.width / size[1]);
  const least = Math.min(...scales());
  const times = [8, 4, 2].find((n) => least >= n + 1);
  if (times !== undefined && (await isJpeg(source))) image = shrunk(image, times);
  const [vertical, horizontal] = scales();
  const height = Math.max(1, Math.round(image.height / vertical));
  const width = Math.max(1, Math.round(image.width / horizontal));
  const narrow = resample(image.data, image.height, image.width, 4, taps(image.width, width, horizontal, resampling));
  const scaled = resample(narrow, 1, image.height, width * 4, taps(image.height, height, vertical, resampling));
  const view = contextOf(size[1], size[0], background);
  const [top, left] = [size[0] - height, size[1] - width].map((rest) => Math.floor(rest / 2));
  view.putImageData(new ImageData(scaled, width, height), left, top);
  return view.getImageData(0, 0, size[1], size[0]).data;
}

/** The whole image on the background, turned as EXIF says. */
async function decoded(source, background) {
  const bitmap = await createImageBitmap(source);
  const shrink = Math.min(1, Math.sqrt(mostPixels / (bitmap.width * bitmap.height)));
  const [height, width] = [bitmap.height, bitmap.width].map((side) => Math.max(1, Math.floor(side * shrink)));
  const context = contextOf(width, height, background);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

function contextOf(width, height, background) {
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  context.fillStyle = background;
  context.fillRect(0, 0, width, height);
  return context;
}

/**
 * The pixels of an image as the model takes them.
 *
 * @param {ImageBitmapSource} image a file, for example
 * @param {Facts} facts
 * @returns {Promise<Float32Array>} [height, width, channels]
 */
export async function pixelsOf(image, { input: [height, width, channels], mean, std, preprocess }) {
  const data = await render(image, [height, width], preprocess);
  return Float32Array.from({ length: height * width * channels }, (_, i) => {
    const pixel = 4 * Math.floor(i / channels);
    const value = channels === 1 ? grey(data, pixel) : data[pixel + (i % channels)] / 255;
    return (value - mean[i % channels]) / std[i % channels];
  });
}

const toLinear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
const toSrgb = (value) => (value <= 0.0031308 ? value * 12.92 : 1.055 * value ** (1 / 2.4) - 0.055);

/** Luminance (ITU-R BT.709) in linear light, as sRGB's curve writes it, in [0, 1]. */
function grey(data, at) {
  const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
  if (r === g && g === b) return r / 255;
  return toSrgb(0.2126 * toLinear(r / 255) + 0.7152 * toLinear(g / 255) + 0.0722 * toLinear(b / 255));
}

/** @param {Float32Array} logits */
function softmax(logits) {
  const top = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

const byProbability = (a, b) => b.probability - a.probability;

/** The answer for an image from its outputs, by the task of the network. */
export const answers = {
  classification: (logits, names, count) => ({
    top: softmax(logits)
      .map((probability, i) => ({ class: names[i], probability }))
      .sort(byProbability)
      .slice(0, count),
  }),
  'multi-label': (logits, names, count) => ({
    labels: Array.from(logits, (logit, i) => {
      const probability = 1 / (1 + Math.exp(-logit));
      return { label: names[i], probability, predicted: probability > 0.5 };
    })
      .sort(byProbability)
      .slice(0, count),
  }),
  regression: (numbers, names) => ({ numbers: Object.fromEntries(names.map((name, i) => [name, numbers[i]])) }),
};

/** Width and height of an image, turned as EXIF says. */
async function sizeOf(source) {
  if (!(source instanceof Blob)) return [source.videoWidth ?? source.width, source.videoHeight ?? source.height];
  const bitmap = await createImageBitmap(source);
  const size = [bitmap.width, bitmap.height];
  bitmap.close();
  return size;
}

/**
 * Where an image lies in that of the network: the first pixel, and the width and height that are shown of the whole image.
 * @param {[number, number]} image width and height
 * @param {number[]} input height and width
 * @param {string} fit
 */
export function placementIn([width, height], [rows, columns], fit) {
  const [down, across] = scalesOf[fit](height / rows, width / columns);
  const shown = [width / across, height / down].map((side) => Math.max(1, Math.round(side)));
  const [left, top] = [columns - shown[0], rows - shown[1]].map((rest) => Math.floor(rest / 2));
  return { left, top, shown };
}

/** The middle of a found cell. */
const middleOf = ({ label, score, left, right, top, bottom }, names) => ({
  ...{ class: names[label], score, x: (left + right) / 2, y: (top + bottom) / 2 },
});

/** Finds the boxes in the maps of a detector, or the middles of objects, in pixels of the image. */
function finder({ decode, inOriginal }, { task, input, classes: names, detection, preprocess }) {
  return async (image, { classes, boxes }) => {
    const [, rows, columns] = classes.dims;
    const maps = { rows, columns, stride: detection.stride, classes: classes.data, boxes: boxes?.data };
    const size = await sizeOf(image);
    const found = inOriginal(decode(maps, detection), size, placementIn(size, input, preprocess.fit));
    if (task === 'centroids') return { centroids: found.map((box) => middleOf(box, names)), size };
    return { boxes: found.map(({ label, ...box }) => ({ class: names[label], ...box })), size };
  };
}

/** Longest side of a mask. */
const mostSide = 640;

/** Finds the class of each pixel of an image, or of a smaller one. */
function painter({ classesOfPixels }, { input, classes: names, segmentation, preprocess }) {
  return async (image, { classes }) => {
    const [, rows, columns] = classes.dims;
    const whole = await sizeOf(image);
    const scale = Math.min(1, mostSide / Math.max(...whole));
    const size = whole.map((side) => Math.max(1, Math.round(side * scale)));
    const map = { rows, columns, stride: segmentation.stride, classes: names.length, logits: classes.data };
    const mask = classesOfPixels(map, size, placementIn(whole, input, preprocess.fit));
    const pixels = names.map(() => 0);
    for (const label of mask) pixels[label]++;
    return { classes: names.map((name, i) => ({ class: name, pixels: pixels[i] })), mask, size };
  };
}

/** What makes answers of a network's maps. */
async function readerOf(facts, detect, segment) {
  if (facts.detection !== undefined) return finder(await import(detect), facts);
  return facts.segmentation !== undefined ? painter(await import(segment), facts) : null;
}

/**
 * @param {{ runtime: string, wasm: string, model: string, facts: string, detect?: string, segment?: string }} addresses `detect` is
 *   for detectors, `segment` for segmenters
 * @returns a function from an image to its answer, as nas serve gives it, with the milliseconds of the network: the most likely
 *   classes (`top`) or labels (`labels`) with their probabilities, the `numbers` by name, or the `boxes`
 *   or `centroids` in pixels of the image, whose width and height are `size`; of a segmenter the `mask`, an index of `classes` for each
 *   pixel, of at most 640 pixels a side. Its properties `task` and `names` are those of the network.
 */
export async function openClassifier({ runtime, wasm, model, facts: factsUrl, detect, segment }) {
  const [ort, facts, bytes] = await Promise.all([
    import(runtime),
    fetch(factsUrl).then((answer) => answer.json()),
    fetch(model).then((answer) => answer.arrayBuffer()),
  ]);
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  const find = await readerOf(facts, detect, segment);
  const answer = async (image, count = 5) => {
    const tensor = new ort.Tensor('float32', await pixelsOf(image, facts), [1, ...facts.input]);
    const began = performance.now();
    const outputs = await session.run({ [session.inputNames[0]]: tensor });
    const ms = performance.now() - began;
    if (find !== null) return { ...(await find(image, outputs)), ms };
    return { ...answers[facts.task](outputs[session.outputNames[0]].data, facts.classes, count), ms };
  };
  return Object.assign(answer, { task: facts.task, names: facts.classes });
}
