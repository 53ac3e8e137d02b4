/** The page: shows the network's answer for an image that is chosen, dropped or pasted. */
const script = document.querySelector('script[data-model]');
const address = (name) => new URL(script.dataset[name], document.baseURI).href;
const find = (selector) => document.querySelector(selector);
const say = (text) => (find('[role=status]').textContent = text);

navigator.serviceWorker?.register('service-worker.js').catch(() => undefined);

const { openClassifier } = await import(address('classify'));
const classify = await openClassifier({
  runtime: address('runtime'),
  wasm: address('wasm'),
  model: address('model'),
  facts: address('facts'),
}).catch((error) => say(`The model cannot be loaded: ${error.message}`) && undefined);

const percent = (share) => `${(100 * share).toFixed(1)} %`;
const number = (value) => value.toLocaleString('en', { maximumSignificantDigits: 5 });

/** The lines of an answer: a name, its value, the length of its bar in [0, 1], and whether it is emphasized. */
function linesOf({ top, labels, numbers }) {
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

async function show(file) {
  if (file === undefined || classify === undefined) return;
  try {
    const answer = await classify(file);
    say(`Answered in ${answer.ms.toFixed(1)} ms`);
    find('ol').replaceChildren(...linesOf(answer).map(itemOf));
    URL.revokeObjectURL(find('img').src);
    Object.assign(find('img'), { src: URL.createObjectURL(file), hidden: false });
  } catch (error) {
    say(`${file.name} cannot be used: ${error.message}`);
  }
}

const imageIn = (transfer) => [...transfer.files].find(({ type }) => type.startsWith('image/'));
find('input').addEventListener('change', ({ target }) => show(target.files[0]));
addEventListener('paste', ({ clipboardData }) => show(imageIn(clipboardData)));
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  void show(imageIn(event.dataTransfer));
});
if (classify !== undefined) say('Ready');
