/** The page: shows the network's answer for an image that is chosen, dropped or pasted, and for the frames of a camera. */
const { models, ...files } = document.querySelector('script[data-models]').dataset;
const address = (file) => new URL(file, document.baseURI).href;
const find = (selector) => document.querySelector(selector);
const say = (text) => (find('[role=status]').textContent = text);

navigator.serviceWorker?.register('service-worker.js').catch(() => undefined);

const { openClassifier } = await import(address(files.classify));
const { runtime, wasm, detect = '', segment = '' } = files;
/** The same network in float32 and int8, where both exist: `name`, `model`, `facts`. */
const choices = JSON.parse(models);

const open = ({ model, facts }) =>
  openClassifier({
    ...{ runtime: address(runtime), wasm: address(wasm), detect: address(detect), segment: address(segment) },
    ...{ model: address(model), facts: address(facts) },
  }).catch((error) => say(`The model cannot be loaded: ${error.message}`) && undefined);
let classify = await open(choices[0]);

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (value) => value.toLocaleString('en', { maximumSignificantDigits: 5 });

/** The colour of a class, the same in all images: neighbouring indices have unlike ones. */
const colourOf = (name) => `hsl(${(200 + classify.names.indexOf(name) * 137.5) % 360} 90% 60%)`;

/** The lines of an answer: a name, its value, its colour in the image, the length of its bar in [0, 1], and whether it is emphasized. */
function linesOf({ top, labels, numbers, boxes, centroids = boxes, classes, mask }) {
  if (classes !== undefined)
    return classes
      .filter(({ pixels }) => pixels > 0)
      .sort((a, b) => b.pixels - a.pixels)
      .map(({ class: name, pixels }) => ({ name, value: percent(pixels / mask.length), colour: colourOf(name) }));
  if (centroids !== undefined) return centroids.map(({ class: name, score }) => ({ name, value: percent(score) }));
  if (numbers !== undefined) return Object.entries(numbers).map(([name, value]) => ({ name, value: number(value) }));
  if (labels === undefined) return top.map(({ class: name, probability }) => ({ name, value: percent(probability) }));
  return labels.map(({ label: name, probability, predicted }) => ({
    name,
    value: percent(probability),
    bar: probability,
    strong: predicted,
  }));
}

function itemOf({ name, value, bar, colour, strong = false }) {
  const item = document.createElement('li');
  const text = document.createElement(strong ? 'strong' : 'span');
  text.textContent = `${name} ${value}`;
  item.append(text);
  if (colour !== undefined)
    Object.assign(text.style, { borderInlineStart: `1em solid ${colour}`, paddingInlineStart: '0.5em' });
  if (bar !== undefined) {
    const meter = Object.assign(document.createElement('meter'), { value: bar });
    meter.setAttribute('aria-label', name);
    item.append(meter);
  }
  return item;
}

const backgrounds = ['background', '_background_', 'none', 'free'];
/** Bytes of a pixel: opaque on the borders of classes, half transparent within them. */
const [opaque, half] = [0xff000000, 0x70000000];

/** Colours the classes of a mask, all but background, and names each at the one of its pixels that is next to its middle. */
function paint(context, { mask, classes }, [width, height]) {
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = classes.map(({ class: name }) => {
    context.fillStyle = colourOf(name);
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(context.fillStyle.slice(at, at + 2), 16));
    return (b << 16) | (g << 8) | r;
  });
  const sums = classes.map(() => [0, 0]);
  for (let i = 0, y = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      const label = mask[i];
      const isBorder = (x + 1 < width && mask[i + 1] !== label) || (y + 1 < height && mask[i + width] !== label);
      if (isBorder || !backgrounds.includes(classes[label].class))
        pixels[i] = colours[label] | (isBorder ? opaque : half);
      sums[label][0] += x;
      sums[label][1] += y;
    }
  context.putImageData(image, 0, 0);
  const middles = sums.map((sum, label) => sum.map((side) => side / classes[label].pixels));
  const nearest = classes.map(() => ({ distance: Infinity }));
  for (const [i, label] of mask.entries()) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const distance = (x - middles[label][0]) ** 2 + (y - middles[label][1]) ** 2;
    if (distance < nearest[label].distance) nearest[label] = { distance, x, y };
  }
  return nearest
    .map((place, label) => ({ class: classes[label].class, ...place }))
    .filter(({ class: name, x }) => x !== undefined && !backgrounds.includes(name));
}

/** Draws boxes, points at middles or the classes of pixels over the image, with their names. */
function draw({ boxes = [], centroids = [], size: [width, height] = [0, 0], ...more }) {
  const canvas = Object.assign(find('canvas'), { width, height });
  const context = canvas.getContext('2d');
  const line = Math.max(1, Math.max(width, height) / 200);
  context.font = `${8 * line}px system-ui, sans-serif`;
  context.textBaseline = 'bottom';
  const named = more.mask === undefined ? centroids : paint(context, more, [width, height]);
  const points = named.map(({ x, y, ...found }) => ({
    ...found,
    ...{ left: x - line, right: x + line, top: y - line, bottom: y + line },
  }));
  for (const { class: name, score, left, top, right, bottom } of [...boxes, ...points].reverse()) {
    const colour = colourOf(name);
    const text = score === undefined ? name : `${name} ${percent(score)}`;
    // Dark around bright lines: one of them is seen on any image.
    for (const [stroke, wide] of [
      ['#000', 3],
      [colour, 1.5],
    ]) {
      Object.assign(context, { strokeStyle: stroke, lineWidth: wide * line });
      context.strokeRect(left, top, right - left, bottom - top);
    }
    const at = Math.max(9 * line, top);
    context.fillStyle = '#000';
    context.fillRect(left, at - 9 * line, context.measureText(text).width + 2 * line, 9 * line);
    context.fillStyle = colour;
    context.fillText(text, left + line, at);
  }
}

function showAnswer(answer) {
  say(`Answered in ${answer.ms.toFixed(1)} ms`);
  find('ol').replaceChildren(...linesOf(answer).map(itemOf));
  draw(answer);
}

let shown;

async function show(file) {
  if (file === undefined || classify === undefined) return;
  shown = file;
  try {
    const answer = await classify(file);
    stopCamera();
    URL.revokeObjectURL(find('img').src);
    Object.assign(find('img'), { src: URL.createObjectURL(file), hidden: false });
    showAnswer(answer);
  } catch (error) {
    say(`${file.name} cannot be used: ${error.message}`);
  }
}

let stream;
/** The camera that looks away from the user, or at them. */
let facing = 'environment';
const [useButton, turnButton] = document.querySelectorAll('button');

function stopCamera() {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
  Object.assign(find('video'), { srcObject: null, hidden: true });
  useButton.textContent = 'Use the camera';
  turnButton.hidden = true;
}

/** Answers one frame after the other until the camera is stopped. */
async function useCamera() {
  let own;
  try {
    own = await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing } });
    stream = own;
    const video = Object.assign(find('video'), { srcObject: own, hidden: false });
    find('img').hidden = true;
    useButton.textContent = 'Stop the camera';
    const devices = await navigator.mediaDevices.enumerateDevices();
    turnButton.hidden = devices.filter(({ kind }) => kind === 'videoinput').length < 2;
    await video.play();
    while (stream === own) {
      const answer = await classify(video);
      if (stream === own) showAnswer(answer);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
  } catch (error) {
    // A frame of a camera that was stopped meanwhile cannot be read.
    if (stream !== own) return;
    stopCamera();
    say(`The camera cannot be used: ${error.message}`);
  }
}

// Browsers give cameras to pages of https and of this machine only.
if (classify !== undefined && navigator.mediaDevices !== undefined) {
  useButton.hidden = false;
  useButton.addEventListener('click', () => {
    if (stream === undefined) void useCamera();
    else {
      stopCamera();
      draw({});
    }
  });
  turnButton.addEventListener('click', () => {
    stopCamera();
    facing = facing === 'user' ? 'environment' : 'user';
    void useCamera();
  });
}

const select = find('select');
select.append(...choices.map(({ name }) => new Option(name)));
select.parentElement.hidden = choices.length < 2;
select.addEventListener('change', async () => {
  say('Loading the model');
  classify = (await open(choices[select.selectedIndex])) ?? classify;
  if (stream === undefined) await show(shown);
  if (shown === undefined && stream === undefined) say('Ready');
});

const imageIn = (transfer) => [...transfer.files].find(({ type }) => type.startsWith('image/'));
find('input').addEventListener('change', ({ target }) => show(target.files[0]));
addEventListener('paste', ({ clipboardData }) => show(imageIn(clipboardData)));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  void show(imageIn(event.dataTransfer));
});
if (classify !== undefined) say('Ready');
