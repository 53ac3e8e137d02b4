import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const folder = fileURLToPath(new URL('../../dist/ui/app', import.meta.url));
const files = readdirSync(folder, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map(({ parentPath, name }) => join(parentPath, name));
const compressed = files.filter((file) => file.endsWith('.br'));
const plain = files.filter((file) => !file.endsWith('.br'));

describe('what a browser loads', () => {
  it('is at most 260 kB in all, compressed', () => {
    expect(compressed.length).toBeGreaterThan(3);
    const bytes = compressed.reduce((sum, file) => sum + statSync(file).size, 0);
    expect(bytes).toBeLessThanOrEqual(260_000);
  });

  it('is compressed as it is', () => {
    for (const file of compressed)
      expect(brotliDecompressSync(readFileSync(file)).equals(readFileSync(file.slice(0, -'.br'.length)))).toBe(true);
    for (const file of plain.filter((name) => /\.(js|css|html|svg)$/.test(name)))
      expect(existsSync(`${file}.br`), file).toBe(true);
  });

  it('comes from nowhere else, and is no script or style inside the document', () => {
    const html = readFileSync(join(folder, 'index.html'), 'utf8');
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\son\w+=/);
    const addresses = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address);
    expect(addresses.length).toBeGreaterThan(2);
    for (const address of addresses) expect(address).toMatch(/^\/(?!\/)/);
    for (const file of plain.filter((name) => name.endsWith('.css')))
      expect(readFileSync(file, 'utf8')).not.toMatch(/@import|url\(\s*["']?(?:https?:)?\/\//);
  });
});
