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

/** Links of a page, but to other sites. */
const targetsOf = (page: string): string[] =>
  [...prose(join(root, page)).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));

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

/** Pages that a page links to; those in a folder that it links to. */
const linkedBy = (page: string): string[] =>
  targetsOf(page).flatMap((target) => {
    const [file] = target.split('#');
    const path = file === '' ? page : join(dirname(page), file);
    return pages.filter((each) => each === path || dirname(each) === path);
  });

it('every page is two clicks or fewer from the README', () => {
  const near = ['README.md', ...linkedBy('README.md')];
  const reached = new Set([...near, ...near.flatMap(linkedBy)]);
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
});

describe('links between the pages', () => {
  for (const page of pages)
    it(`of ${page} exist`, () => {
      const broken = targetsOf(page).filter((target) => {
        const [path] = target.split('#');
        const anchor = target.split('#').at(1);
        const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
        return !existsSync(file) || (anchor !== undefined && !anchorsOf(file).has(anchor));
      });
      expect(broken).toEqual([]);
    });
});
