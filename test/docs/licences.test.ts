import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { z } from 'zod';

const lock = z.object({
  packages: z.record(
    z.string(),
    z.object({ license: z.string().optional(), dev: z.boolean().optional(), link: z.boolean().optional() }),
  ),
});

/** Licences under which a package may be used by programs of any licence. LGPL is libvips, a library that sharp loads. */
const allowed = /^(0BSD|Apache-2\.0|BSD-[23]-Clause|BlueOak-1\.0\.0|ISC|LGPL-3\.0-or-later|MIT)$/;

/** @returns whether an SPDX expression allows use: all sides of AND, one of OR */
const allows = (expression: string): boolean =>
  expression
    .replaceAll(/[()]/g, '')
    .split(' AND ')
    .every((side) => side.split(' OR ').some((licence) => allowed.test(licence)));

test('every package that is installed with nas has a licence that allows its use', () => {
  const { packages } = lock.parse(JSON.parse(readFileSync('package-lock.json', 'utf8')));
  const installed = Object.entries(packages).filter(
    ([path, { dev, link }]) => path.includes('node_modules/') && !dev && !link,
  );
  expect(installed.length).toBeGreaterThan(100);
  const others = installed.flatMap(([path, { license }]) => (allows(license ?? 'none') ? [] : [`${path}: ${license}`]));
  expect(others).toEqual([]);
});
