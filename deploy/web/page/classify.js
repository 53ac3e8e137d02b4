/**
 * An image classifier in a browser: onnxruntime-web on one thread. Other pages use it as this one does.
 *
 * @typedef {object} Facts What the model takes and gives.
 * @property {string[]} classes names of the outputs, in order
 * @property {[number, number, number]} input height, width and channels
 * @property {number[]} mean of pixel / 255, per channel
 * @property {number[]} std
 */

/**
 * The pixels of an image as the model takes them: turned as its EXIF says, on white, cut to the model's proportions around
 * its centre, scaled, normalised.
 *
 * @param {ImageBitmapSource} image a file, for example
 * @param {Facts} facts
 * @returns {Promise<Float32Array>} [height, width, channels]
 */
export async function pixelsOf(image, { input: [height, width, channels], mean, std }) {
  const bitmap = await createImageBitmap(image);
  const context = new OffscreenCanvas(width, height).getContext('2d');
  const scale = Math.max(width / bitmap.width, height / bitmap.height);
  const [w, h] = [bitmap.width * scale, bitmap.height * scale];
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, (width - w) / 2, (height - h) / 2, w, h);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
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

/**
 * @param {{ runtime: string, wasm: string, model: string, facts: string }} addresses
 * @returns what classifies an image: its most likely classes with their probabilities, and the milliseconds of the network
 */
export async function openClassifier({ runtime, wasm, model, facts: factsUrl }) {
  const [ort, facts, bytes] = await Promise.all([
    import(runtime),
    fetch(factsUrl).then((answer) => answer.json()),
    fetch(model).then((answer) => answer.arrayBuffer()),
  ]);
  ort.env.wasm.wasmPaths = { wasm };
  ort.env.wasm.numThreads = 1;
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return async (image, count = 5) => {
    const tensor = new ort.Tensor('float32', await pixelsOf(image, facts), [1, ...facts.input]);
    const began = performance.now();
    const outputs = await session.run({ [session.inputNames[0]]: tensor });
    const ms = performance.now() - began;
    const top = softmax(outputs[session.outputNames[0]].data)
      .map((probability, i) => ({ class: facts.classes[i], probability }))
      .sort((a, b) => b.probability - a.probability)
      .slice(0, count);
    return { top, ms };
  };
}
