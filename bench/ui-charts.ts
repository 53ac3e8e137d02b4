/**
 * The cost of charts with 50,000 points by library: the chart of `ui/` and its peers.
 *
 * Method: each peer is installed from npm into a temporary folder, bundled by Vite for one scatter chart with a logarithmic
 * axis, and drawn by headless Chromium under the content security policy of `nas ui`. If a library fails under the policy,
 * the table shows it, and its times are measured without the policy. `draw`, `redraw` (with other values) and `hover` (the
 * mouse moves to the middle of the chart) are CPU times of the page's main thread, insensitive to other load. `seen` is the
 * wall time from the call of redraw until two frames later, with the canvas read back to force rasterising; two frames alone
 * take up to 33 ms. All times are the minimum of nine; sizes are after Brotli.
 *
 *   npm run bench:charts -- [points]
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import Table from 'cli-table3';
import type { Browser } from 'playwright-core';
import { build } from 'vite';
import { z } from 'zod';
import { openBrowser } from './ui/browser.js';
import { peers, type Peer } from './ui-charts/peers.js';

const points = Number(process.argv[2] ?? 50_000);
const repeats = 9;

const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'";

/** The script of the page. */
const measuring = `
globalThis.pointsOf = (count, seed) => Float64Array.from({ length: 2 * count }, (_, i) => {
  const at = ((i >> 1) * 0.6180339887 + seed * 0.37) % 1;
  const noise = (Math.sin((i >> 1) * 12.9898 + seed) * 43758.5453) % 1;
  return i % 2 === 0 ? 0.01 * Math.exp(6.9 * at) : 0.3 + 0.5 * at + 0.15 * noise;
});
const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
const timed = async (act) => {
  await frame();
  const cpu = await globalThis.cpuMs();
  // Code that runs directly after a driver response would bypass the page's content security policy.
  await new Promise((resolve) => setTimeout(resolve));
  const began = performance.now();
  await act();
  await frame();
  for (const canvas of document.querySelectorAll('canvas')) canvas.getContext('2d')?.getImageData(0, 0, 1, 1);
  await frame();
  const seen = performance.now() - began;
  return { cpu: await globalThis.cpuMs() - cpu, seen };
};
globalThis.measure = async (count, repeats) => {
  const element = document.getElementById('chart');
  const { drawing } = globalThis;
  const draw = await timed(() => drawing.draw(element, pointsOf(count, 0)));
  const redraw = [], hover = [];
  for (let i = 1; i <= repeats; i++) redraw.push(await timed(() => drawing.redraw(pointsOf(count, i))));
  const canvas = document.querySelector('canvas');
  const { left, top, width, height } = canvas.getBoundingClientRect();
  for (let i = 0; i < repeats; i++) {
    const at = { clientX: left + width * (0.4 + 0.02 * i), clientY: top + height * 0.5, bubbles: true, view: window };
    const target = document.elementFromPoint(at.clientX, at.clientY) ?? canvas;
    hover.push(await timed(() => {
      for (const type of ['pointermove', 'mousemove']) target.dispatchEvent(new (type === 'mousemove' ? MouseEvent : PointerEvent)(type, at));
    }));
  }
  return { draw, redraw, hover };
};`;

/** Bundles a peer into one file. */
async function bundle({ name, packages, script }: Peer, folder: string): Promise<string> {
  const entry =
    'file' in script ? fileURLToPath(new URL(`ui-charts/${script.file}`, import.meta.url)) : join(folder, `${name}.js`);
  if ('text' in script) {
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--silent', ...packages], {
      cwd: folder,
    });
    writeFileSync(entry, script.text);
  }
  const outDir = join(folder, 'built', name);
  await build({
    configFile: false,
    logLevel: 'error',
    root: folder,
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      outDir,
      target: 'es2022',
      modulePreload: false,
      rolldownOptions: { input: entry, output: { entryFileNames: 'peer.js', codeSplitting: false } },
    },
  });
  return readFileSync(join(outDir, 'peer.js'), 'utf8');
}

const timed = z.object({ cpu: z.number(), seen: z.number() });
const timings = z.object({ draw: timed, redraw: z.array(timed), hover: z.array(timed) });
const metrics = z.object({ metrics: z.array(z.object({ name: z.string(), value: z.number() })) });
type Timings = z.infer<typeof timings>;

/** Measures a bundled library on a page. @throws Error if the library fails there. */
async function measure(browser: Browser, code: string, csp: string | null): Promise<Timings> {
  const files: Readonly<Record<string, readonly [type: string, text: string]>> = {
    '/': [
      'text/html',
      '<!doctype html><link rel="stylesheet" href="/style.css"><div id="chart"></div><script type="module" src="/peer.js"></script><script type="module" src="/measure.js"></script>',
    ],
    '/style.css': ['text/css', '#chart { width: 900px; height: 500px; }'],
    '/peer.js': ['text/javascript', code],
    '/measure.js': ['text/javascript', measuring],
  };
  const server = createServer(({ url = '/' }, response) => {
    const file = files[url] as (typeof files)[string] | undefined;
    if (file === undefined) return response.writeHead(404).end();
    return response
      .writeHead(200, { 'content-type': file[0], ...(csp === null ? {} : { 'content-security-policy': csp }) })
      .end(file[1]);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const page = await browser.newPage({ viewport: { width: 1000, height: 700 } });
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  await page.exposeFunction('cpuMs', async () => {
    const found = metrics.parse(await session.send('Performance.getMetrics')).metrics;
    return 1000 * (found.find(({ name }) => name === 'TaskDuration')?.value ?? NaN);
  });
  const failed = new Promise<never>((_, reject) => {
    page.on('pageerror', reject);
    page.on('console', (message) => {
      if (message.type() === 'error' && message.text().includes('Content Security Policy'))
        reject(new Error(message.text()));
    });
  });
  failed.catch(() => undefined);
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await page.waitForFunction('globalThis.drawing && globalThis.measure');
    return timings.parse(await Promise.race([page.evaluate(`measure(${points}, ${repeats})`), failed]));
  } finally {
    await page.close();
    server.close();
  }
}

const least = (values: readonly number[]): string => `${Math.min(...values).toFixed(0)} ms`;
const cpuOf = (all: readonly Timings['draw'][]): string => least(all.map(({ cpu }) => cpu));

const folder = mkdtempSync(join(tmpdir(), 'nas-charts-'));
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
const browser = await openBrowser();
const table = new Table({
  head: [
    'library',
    'size',
    'draw, CPU',
    'redraw, CPU',
    'redraw, seen',
    'hover, CPU',
    'strict CSP',
    'SVG without a browser',
  ],
});
try {
  for (const peer of peers) {
    const code = await bundle(peer, folder);
    let works = 'yes';
    let result: Timings;
    try {
      result = await measure(browser, code, policy);
    } catch {
      works = 'no';
      result = await measure(browser, code, null);
    }
    const size = `${(brotliCompressSync(code).length / 1000).toFixed(0)} kB`;
    const { draw, redraw, hover } = result;
    const seen = least(redraw.map((each) => each.seen));
    table.push([peer.name, size, cpuOf([draw]), cpuOf(redraw), seen, cpuOf(hover), works, peer.svg ? 'yes' : 'no']);
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
console.log(table.toString());
