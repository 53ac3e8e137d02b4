import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const pages = ['.', 'docs', 'docs/adr'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

/** Markdown without fenced blocks. */
const prose = (file: string): string => readFileSync(file, 'utf8').replaceAll(/^```[\s\S]*?^```$/gm, '');

/** Anchors of headings, as on GitHub. */
const anchorsOf = (file: string): Set<string> =>
  new Set(
    [...prose(file).matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );

describe('links between the pages', () => {
  for (const page of pages)
    it(`of ${page} exist`, () => {
      const broken = [...prose(join(root, page)).matchAll(/\]\(([^)\s]+)\)/g)]
        .map(([, target]) => target)
        .filter((target) => {
          if (/^[a-z]+:/.test(target)) return false;
          const [path] = target.split('#');
          const anchor = target.split('#').at(1);
          const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
          return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).has(anchor));
        });
      expect(broken).toEqual([]);
    });
});
