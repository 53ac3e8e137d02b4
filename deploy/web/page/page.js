/** The page: shows the network's answer for an image that is chosen, dropped or pasted, and for the frames of a camera. */
const { models, ...files } = document.querySelector('script[data-models]').dataset;
const address = (file) => new URL(file, document.baseURI).href;
const find = (selector) => document.querySelector(selector);
const say = (text) => (find('[role=status]').textContent = text);

navigator.serviceWorker?.register('service-worker.js').catch(() => undefined);

const { openClassifier } = await import(address(files.classify));
const { runtime, wasm, detect = '' } = files;
/** The same network in float32 and int8, where both exist: `name`, `model`, `facts`. */
const choices = JSON.parse(models);

const open = ({ model, facts }) =>
  openClassifier({
    ...{ runtime: address(runtime), wasm: address(wasm), detect: address(detect) },
    ...{ model: address(model), facts: address(facts) },
  }).catch((error) => say(`The model cannot be loaded: ${error.message}`) && undefined);
let classify = await open(choices[0]);

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (value) => value.toLocaleString('en', { maximumSignificantDigits: 5 });

/** The lines of an answer: a name, its value, the length of its bar in [0, 1], and whether it is emphasized. */
function linesOf({ top, labels, numbers, boxes, centroids = boxes }) {
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

function itemOf({ name, value, bar, strong = false }) {
  const item = document.createElement('li');
  const text = document.createElement(strong ? 'strong' : 'span');
  text.textContent = `${name} ${value}`;
  item.append(text);
  if (bar !== undefined) {
    const meter = Object.assign(document.createElement('meter'), { value: bar });
    meter.setAttribute('aria-label', name);
    item.append(meter);
  }
  return item;
}

/** The colour of a class, the same in all images. */
const colourOf = (name) =>
  `hsl(${[...name].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 360, 0)} 90% 60%)`;

/** Draws boxes, or points at middles, with their classes over the image. */
function draw({ boxes = [], centroids = [], size: [width, height] = [0, 0] }) {
  const canvas = Object.assign(find('canvas'), { width, height });
  const context = canvas.getContext('2d');
  const line = Math.max(1, Math.max(width, height) / 200);
  context.font = `${8 * line}px system-ui, sans-serif`;
  context.textBaseline = 'bottom';
  const points = centroids.map(({ x, y, ...found }) => ({
    ...found,
    ...{ left: x - line, right: x + line, top: y - line, bottom: y + line },
  }));
  for (const { class: name, score, left, top, right, bottom } of [...boxes, ...points].reverse()) {
    const colour = colourOf(name);
    const text = `${name} ${percent(score)}`;
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
