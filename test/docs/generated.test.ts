import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../docs/generate.js';

describe('the generated pages', () => {
  for (const [name, render] of Object.entries(generatedPages))
    it(`docs/${name} is what \`npm run docs\` writes`, async () => {
      const written = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
      expect(await render(), 'run `npm run docs` and commit what it writes').toBe(written);
    });
});
