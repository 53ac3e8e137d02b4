import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { findBrowser } from '../../latency-models/devices/browser/browser-device.js';
import type { Images } from './peer.js';

/** A page that runs a model on images and returns the logits. */
const page = `<!doctype html><meta charset="utf-8"><title>logits</title><link rel="icon" href="data:,">
<script type="module">
import * as ort from '/ort/ort.wasm.bundle.min.mjs';
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = '/ort/';
globalThis.logits = async (shape) => {
  const [model, values] = await Promise.all(
    ['/model', '/images'].map(async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer())));
  const session = await ort.InferenceSession.create(model, { executionProviders: ['wasm'] });
  const images = new Float32Array(values.buffer);
  const [count, ...image] = shape;
  const size = image.reduce((a, b) => a * b, 1);
  const rows = [];
  for (let i = 0; i < count; i++) {
    const tensor = new ort.Tensor('float32', images.slice(i * size, (i + 1) * size), [1, ...image]);
    const results = await session.run({ [session.inputNames[0]]: tensor });
    rows.push(...results[session.outputNames[0]].data);
  }
  await session.release();
  return rows;
};
</script>`;

const types: Readonly<Record<string, string>> = { mjs: 'text/javascript', wasm: 'application/wasm' };

/** The part of Playwright's `Page` used here. */
interface BrowserPage {
  goto(address: string): Promise<unknown>;
  waitForFunction(expression: string): Promise<unknown>;
  evaluate<T>(expression: string): Promise<T>;
}

/**
 * Logits of a model on images in a real browser: onnxruntime-web on WebAssembly, one thread, one image at a time.
 * @throws when no browser is found, or playwright-core or onnxruntime-web is not installed
 */
export async function browserLogits(model: Uint8Array, images: Images): Promise<Float32Array> {
  const executablePath = findBrowser(undefined);
  const { chromium } = await import('playwright-core');
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const content = async (path: string): Promise<[type: string, body: string | Uint8Array]> => {
    if (path === '/') return ['text/html', page];
    if (path === '/model') return ['application/octet-stream', model];
    if (path === '/images') return ['application/octet-stream', new Uint8Array(images.values.buffer)];
    return [types[path.split('.').at(-1) ?? ''] ?? '', await readFile(join(runtime, basename(path)))];
  };
  const server = createServer((request, response) => {
    content(request.url ?? '/').then(
      ([type, body]) => response.writeHead(200, { 'Content-Type': type }).end(body),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the page server has no port');
  const browser = await chromium.launch({ executablePath, headless: true });
  try {
    const tab: BrowserPage = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${address.port}/`);
    await tab.waitForFunction('globalThis.logits !== undefined');
    return Float32Array.from(await tab.evaluate<number[]>(`logits(${JSON.stringify(images.shape)})`));
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}
