import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { builtModule } from '../../../base/processes.js';
import { messageOf } from '../../../base/errors.js';
import { webRuntime, withImports } from '../../../base/modules.js';
import type { BrowserConfig } from '../../schema.js';

/** What onnxruntime-web offers for each provider. */
const bundles: { readonly [P in BrowserConfig['provider']]: string } = {
  wasm: 'ort.wasm.bundle.min.mjs',
  webgpu: 'ort.webgpu.bundle.min.mjs',
};

/** The page's module and what it imports; their addresses are their paths in the package. */
function pageModules(): ReadonlyMap<string, string> {
  const page = fileURLToPath(builtModule('latency-models/devices/browser/page.js'));
  const root = fileURLToPath(builtModule('.'));
  return new Map(withImports(page).map((file) => [`/${relative(root, file)}`, file]));
}

const html = (provider: BrowserConfig['provider']): string => `<!doctype html><meta charset="utf-8"><title>nas</title>
<link rel="icon" href="data:,">
<script type="importmap">{"imports": {"onnxruntime-web": "/ort/${bundles[provider]}"}}</script>
<script type="module" src="/latency-models/devices/browser/page.js"></script>`;

/** Headers that isolate the page, for exact clocks and threads with shared memory. */
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

const types = new Map(
  Object.entries({ mjs: 'text/javascript', js: 'text/javascript', wasm: 'application/wasm', html: 'text/html' }),
);

export interface PageServer {
  readonly address: string;
  readonly close: () => Promise<void>;
}

/**
 * Serves the measuring page, onnxruntime-web and the models on the loopback address.
 * @throws NasError `invalid-input` when onnxruntime-web is not installed.
 */
export async function servePage(
  provider: BrowserConfig['provider'],
  model: (index: number) => Promise<Uint8Array | undefined>,
): Promise<PageServer> {
  const runtime = webRuntime('the browser device');
  const modules = pageModules();
  const content = async (path: string): Promise<string | Uint8Array | undefined> => {
    if (path === '/') return html(provider);
    const module = modules.get(path);
    if (module !== undefined) return readFile(module);
    const index = /^\/models\/(\d+)$/.exec(path)?.[1];
    if (index !== undefined) return model(Number(index));
    const file = /^\/ort\/([\w.-]+\.(?:mjs|wasm))$/.exec(path);
    return file === null ? undefined : readFile(join(runtime, basename(file[1])));
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    content(path).then(
      (body) => {
        const type = types.get(path === '/' ? 'html' : (path.split('.').at(-1) ?? '')) ?? 'application/octet-stream';
        response.writeHead(body === undefined ? 404 : 200, { ...isolation, 'Content-Type': type }).end(body);
      },
      (error: unknown) => response.writeHead(500, isolation).end(messageOf(error)),
    );
  });
  await listening(server);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the page server has no port');
  return {
    address: `http://127.0.0.1:${address.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const listening = (server: Server): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
