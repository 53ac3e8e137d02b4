/** The page: an image that is chosen, dropped or pasted is classified. */
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

async function show(file) {
  if (file === undefined || classify === undefined) return;
  try {
    const { top, ms } = await classify(file);
    say(`Classified in ${ms.toFixed(1)} ms`);
    find('ol').replaceChildren(
      ...top.map(({ class: name, probability }) => {
        const item = document.createElement('li');
        item.textContent = `${name} ${(100 * probability).toFixed(1)} %`;
        return item;
      }),
    );
    URL.revokeObjectURL(find('img').src);
    Object.assign(find('img'), { src: URL.createObjectURL(file), hidden: false });
  } catch (error) {
    say(`${file.name} cannot be classified: ${error.message}`);
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
