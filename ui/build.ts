/**
 * Builds the page (`dist/ui/app/`: hashed and compressed files) and the module that renders reports (`dist/ui/index.js`).
 * Both bundle their packages.
 */
import { cpSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync } from 'node:zlib';
import { build, type InlineConfig } from 'vite';
import { contentHash } from '../base/hash.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const output = fileURLToPath(new URL('../dist/ui', import.meta.url));
const app = join(output, 'app');

const shared: InlineConfig = {
  configFile: false,
  logLevel: 'warn',
  define: { 'process.env.NODE_ENV': '"production"' },
};

/** Browsers that support `light-dark()`, so that both themes stay in one list. */
const cssTarget = ['chrome123', 'firefox120', 'safari17.5'];

/** Adds a hash to the name of the theme script. Vite does so only for modules, and this one must run before drawing. */
function hashTheme(): void {
  const page = join(app, 'index.html');
  const script = join(app, 'theme.js');
  const hash = contentHash(readFileSync(script, 'utf8')).slice(0, 8);
  const name = `assets/theme-${hash}.js`;
  renameSync(script, join(app, name));
  writeFileSync(page, readFileSync(page, 'utf8').replace('src="/theme.js"', `src="/${name}"`));
}

const compressible = new Set(['.html', '.js', '.css', '.svg']);

function compress(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && compressible.has(extname(file)))
      writeFileSync(`${file}.br`, brotliCompressSync(readFileSync(file)));
  }
}

/**
 * The chunks: the chart library; the frame with the list of runs; all other pages, which compress a sixth better as one file
 * and are often opened together.
 */
const groups = [
  { name: 'charts', test: /[\\/]node_modules[\\/](echarts|zrender|tslib)[\\/]/, priority: 3 },
  { name: 'frame', test: /[\\/]node_modules[\\/]|[\\/]ui[\\/](app|data|pages[\\/]runs)[\\/]/, priority: 2 },
  { name: 'pages', test: /[\\/]ui[\\/]pages[\\/]/, priority: 1 },
];

await build({
  ...shared,
  root: join(here, 'app'),
  build: {
    outDir: app,
    emptyOutDir: true,
    rolldownOptions: { output: { codeSplitting: { groups } } },
    target: 'es2022',
    cssTarget,
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
hashTheme();
await build({
  ...shared,
  root: here,
  ssr: { noExternal: true },
  build: { ssr: 'index.ts', outDir: output, emptyOutDir: false, target: 'node20', minify: true },
});
// `report-style.ts` reads the style sheets next to its module.
cpSync(join(here, 'style'), join(output, 'style'), { recursive: true });
compress(app);
