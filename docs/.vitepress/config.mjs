// The site of the docs: `npm run docs:site`. Its pages are README.md, docs/ and what they link to; VitePress checks the links
// between them.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

const root = join(import.meta.dirname, '../..');
const pages = ['.', 'docs', 'docs/adr'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

const titleOf = (page) => /^# (.*)$/m.exec(readFileSync(join(root, page), 'utf8'))?.[1].replaceAll('`', '') ?? page;
const listed = (title, folder) => ({
  text: title,
  items: pages
    .filter((page) => dirname(page) === folder)
    .map((page) => ({ text: titleOf(page), link: `/${page.replace('README.md', '').replace(/\.md$/, '')}` })),
});

/** A link to a folder leads to its first page; one to another file of the repository, which the site does not have, is text. */
function relinked(markdown) {
  markdown.core.ruler.push('files', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.attrGet('href');
      if (token.type !== 'link_open' || /^(\w+:|#)/.test(href)) continue;
      const [path] = href.split('#');
      const target = normalize(join(dirname(env.relativePath), path));
      if (pages.includes(target)) continue;
      const first = pages.find((page) => dirname(page) === target);
      if (first !== undefined) token.attrSet('href', `/${first}`);
      else if (statSync(join(root, target), { throwIfNoEntry: false })) token.attrs = [];
    }
  });
}

export default {
  title: 'nas',
  description: 'Neural architecture search and distillation',
  srcDir: '../',
  srcExclude: ['!(docs|*.md)/**', '**/node_modules/**'],
  outDir: '../site',
  cacheDir: '../node_modules/.cache/vitepress',
  rewrites: { 'README.md': 'index.md' },
  cleanUrls: true,
  // Texts such as `runs/<name>` are no tags.
  markdown: { html: false, linkify: false, config: relinked },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    sidebar: [listed('nas', '.'), listed('Docs', 'docs'), { ...listed('Decisions', 'docs/adr'), collapsed: true }],
  },
};
