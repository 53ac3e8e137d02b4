import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Item, Listing } from '../../../../trainers/data/reading/listing.js';
import { readList, type ListColumns } from '../../../../trainers/data/reading/list.js';
import { temporaryFolder } from '../../../support/temporary.js';

const names = Array.from({ length: 8 }, (_, i) => `${i}.jpg`);
let folder = '';
beforeEach(() => {
  folder = temporaryFolder();
  for (const name of names) writeFileSync(join(folder, name), name);
});

type Content = string | Buffer;

async function read(content: Content, columns: ListColumns = {}, name = 'labels.csv'): Promise<Listing> {
  writeFileSync(join(folder, name), content);
  return (await readList(join(folder, name), columns)).listing;
}

const said = ({ notes }: Listing): string => notes.join('\n').replaceAll(`${folder}/`, '');
const classOf = ({ classes, items }: Listing): string[] => items.map(({ label }) => classes[label]);

/** A row of a table for each image: its cells after the path. */
const rows = (cells: readonly string[], separator = ','): string =>
  cells.map((cell, i) => `${names[i]}${separator}${cell}\n`).join('');

/** What a table holds, and the sentences that say so; or the refusal. */
type Outcome<T> = readonly [values: T, said: string] | RegExp;

async function holds<T>(
  reading: Promise<Listing>,
  valuesOf: (listing: Listing) => T,
  outcome: Outcome<T>,
): Promise<void> {
  if (outcome instanceof RegExp) {
    const refusal = { code: 'invalid-input', message: expect.stringMatching(outcome) as string };
    await expect(reading).rejects.toMatchObject({ ...refusal, hint: expect.stringMatching(/.../) as string });
    return;
  }
  const listing = await reading;
  expect(valuesOf(listing)).toEqual(outcome[0]);
  expect(said(listing)).toContain(outcome[1]);
}

describe('the text of a table is read as it says, or refused with its line', () => {
  const german = 'image;label\r\n0.jpg;cat\r\n1.jpg;dog\r\n';
  const cat = ['cat', 'dog'];
  it.each<[string, Content, Outcome<string[]>, string?]>([
    [
      'commas',
      'image,label\n0.jpg,cat\n1.jpg,dog\n',
      [cat, '2 rows, separated by commas; image: image, label: label.'],
    ],
    ['semicolons', german, [cat, 'separated by semicolons']],
    ['a byte order mark', `\ufeff${german}`, [cat, 'separated by semicolons']],
    ['bars', 'image|label\n0.jpg|cat\n1.jpg|dog', [cat, 'separated by bars']],
    ['tabs', 'image\tlabel\n0.jpg\tcat\n1.jpg\tdog', [cat, 'separated by tabs'], 'labels.tsv'],
    ['tabs beside commas', 'image\tlabel, English\n0.jpg\tcat\n1.jpg\tdog, big', /which column holds the label/],
    ['line ends of old Macs', 'image,label\r0.jpg,cat\r1.jpg,dog\r', [cat, '2 rows']],
    ['line ends of two kinds', 'image,label\r\n0.jpg,cat\n1.jpg,dog\r\n', [cat, '2 rows']],
    ['blank lines', '\nimage,label\n\n0.jpg,cat\n  \n1.jpg,dog\n\n', [cat, '2 rows']],
    ['UTF-16', Buffer.from(`\ufeff${german}`, 'utf16le'), [cat, 'separated by semicolons, UTF-16LE']],
    ['big-endian UTF-16', Buffer.from(`\ufeff${german}`, 'utf16le').swap16(), [cat, 'UTF-16BE']],
    ['UTF-16 without its mark', Buffer.from(german, 'utf16le'), /labels\.csv, line 1: .* is not UTF-8/],
    [
      'Latin-1',
      Buffer.from('image,label\n0.jpg,cat\n1.jpg,chèvre\n', 'latin1'),
      /labels\.csv, line 3: .* is not UTF-8/,
    ],
    ['quoted labels', 'image,label\n0.jpg,"tench, Tinca"\n1.jpg,"a ""dog"""\n', [['tench, Tinca', 'a "dog"'], '']],
    ['quoted names of columns', '"my image";"label, English"\n0.jpg;cat\n1.jpg;dog\n', /which column holds the image/],
    ['two possible separators', 'image;label,note\n0.jpg;cat,x\n1.jpg;dog,y\n', /line 1: .* semicolons .* or commas/],
    ['a comma in one name', 'image;label,x\n0.jpg;cat\n1.jpg;dog\n', /which column holds the label/],
    ['no header', '0.jpg,cat\n1.jpg,dog\n', /labels\.csv, line 1: "0\.jpg" is no name of a column/],
    ['two columns of labels', 'image,label,Label\n0.jpg,cat,cow\n', /line 1: 2 columns are called 'label'/],
    ['two other columns of one name', 'image,x,x,label\n0.jpg,1,2,cat\n1.jpg,1,2,dog\n', [cat, 'label: label']],
    ['a row that is too long', 'image,label\n0.jpg,cat\n1.jpg,dog,x\n', /line 3/],
    ['a row that is too short', 'image,label\n0.jpg\n1.jpg,dog\n', /line 2/],
    ['an open quote', 'image,label\n0.jpg,"cat\n1.jpg,dog\n', /not a table: .*line/],
    [
      'JSON Lines',
      '{"image":"0.jpg","label":"cat"}\n{"image":"1.jpg","label":["dog"]}',
      [cat, 'JSON Lines'],
      'a.jsonl',
    ],
    [
      'a JSON list',
      '[{"image":"0.jpg","label":3},{"image":"1.jpg","label":20}]',
      [['3', '20'], 'a JSON list'],
      'a.json',
    ],
    [
      'JSON true and false',
      '{"image":"0.jpg","label":true}\n{"image":"1.jpg","label":false}',
      [['true', 'false'], ''],
      'a.jsonl',
    ],
    [
      'JSON null',
      '{"image":"0.jpg","label":"cat"}\n{"image":"1.jpg","label":"dog"}\n{"image":"2.jpg","label":null}',
      [cat, ''],
      'a.jsonl',
    ],
    [
      'a JSON object as label',
      '{"image":"0.jpg","label":{"is":"cat"}}',
      /a\.jsonl, line 1: label is \{"is":"cat"\}/,
      'a.jsonl',
    ],
    ['broken JSON', '{"image":"0.jpg","label":"cat"}\n{"image":', /a\.jsonl, line 2: not JSON/, 'a.jsonl'],
    ['NaN as a label', 'image,label\n0.jpg,cat\n1.jpg,nan\n', [['cat', 'nan'], 'nan is read as a class']],
    [
      'spellings of one class',
      'image,label\n0.jpg,cat\n1.jpg,Cat\n',
      [['cat', 'Cat'], '"Cat" and "cat" are read as two classes'],
    ],
    [
      'several labels in a cell',
      'image,label\n0.jpg,cat\n1.jpg,cat;dog\n',
      [['cat', 'cat;dog'], 'cat;dog is read as one class'],
    ],
  ])('%s', async (_, content, outcome, name) => {
    await holds(read(content, {}, name), classOf, outcome);
  });
});

describe('numbers of a list are read as they are written, or refused with their line', () => {
  const numbers = ({ items }: Listing): (number | undefined)[] => items.map(({ targets }) => targets?.[0]);
  it.each<[string, string[], Outcome<number[]>]>([
    ['numbers of programs', ['1.5', '-2e3', '+7', '.5', '3.', '0.125'], [[1.5, -2000, 7, 0.5, 3, 0.125], 'label: x.']],
    ['three decimals', ['1.234', '999'], [[1.234, 999], 'label: x.']],
    ['decimal commas', ['1,5', '-0,25', '3', '1,5e3'], [[1.5, -0.25, 3, 1500], 'x: "1,5" is read as 1.5.']],
    ['decimal commas that thousands cannot be', ['0,123', '999'], [[0.123, 999], 'x: "0,123" is read as 0.123.']],
    ['three decimals beside other decimal commas', ['1,234', '1,5'], [[1.234, 1.5], 'x: "1,234" is read as 1.234.']],
    [
      'a thousand or a decimal comma',
      ['999', '1,234'],
      /line 3: x is "1,234", which is 1234 with a decimal point and 1\.234/,
    ],
    ['thousands and decimals', ['1,234.5', '999', '1,234'], [[1234.5, 999, 1234], 'x: "1,234.5" is read as 1234.5.']],
    ['thousands beside decimal points', ['12.5', '1,234'], [[12.5, 1234], 'x: "1,234" is read as 1234.']],
    ['millions', ['1,234,567', '1'], [[1234567, 1], 'x: "1,234,567" is read as 1234567.']],
    ['thousands and decimals of a German', ['1.234,5', '2'], [[1234.5, 2], 'x: "1.234,5" is read as 1234.5.']],
    ['a point beside decimal commas', ['1,5', '1.234'], /line 3: x is "1\.234", which is 1\.234 .* and 1234/],
    ['both signs, each clear', ['70.5', '80,25'], [[70.5, 80.25], 'x: "80,25" is read as 80.25.']],
    ['both signs, and one unclear', ['70.5', '80,25', '1,234'], /line 4: x is "1,234"/],
    [
      'spaces between thousands',
      ['1 234', '1\u00a0234,5', '1\u202f234'],
      [[1234, 1234.5, 1234], 'x: "1 234" is read as 1234.'],
    ],
    ['Swiss thousands', ["1'234.5", '1’234'], [[1234.5, 1234], `x: "1'234.5" is read as 1234.5.`]],
    ['a minus of typographers', ['−5', '2'], [[-5, 2], 'x: "−5" is read as -5.']],
    ['groups of two', ['12,34,567', '1'], /line 2: x is "12,34,567", which is no number/],
    ['two decimal points', ['1', '1.2.3'], /line 3: x is "1\.2\.3", which is no number/],
    ['percent', ['1', '45 %'], /line 3: x is "45 %", which is no number/],
    ['currency', ['5 €', '1'], /line 2: x is "5 €", which is no number/],
    ['a dollar', ['$5'], /line 2: x is "\$5", which is no number/],
    ['a unit', ['5kg'], /which is no number/],
    ['NaN', ['1', 'NaN'], /line 3: x is "NaN", which is no number/],
    ['infinity', ['1', 'Infinity'], /line 3: x is "Infinity", which is no number/],
    ['more than a float holds', ['1', '1e999'], /line 3: x is "1e999", which is no number/],
    ['a boolean', ['1', 'true'], /line 3: x is "true", which is no number/],
    ['hexadecimal', ['0x10'], /line 2: x is "0x10", which is no number/],
    ['a date', ['2024-01-02'], /which is no number/],
    ['blank cells', ['1', '', '2'], [[1, 2], 'label: x.']],
  ])('%s', async (_, cells, outcome) => {
    const content = `image;x\n${rows(cells, ';')}`;
    await holds(read(content, { task: 'regression', label: 'x' }), numbers, outcome);
    const quoted = `image,x\n${rows(cells.map((cell) => `"${cell}"`))}`;
    await holds(read(quoted, { task: 'regression', label: 'x' }), numbers, outcome);
  });

  const value = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 });
  const clear = fc.array(value, { minLength: 1, maxLength: 8 });
  const roundTrip = (write: (x: number) => string, of: (x: number) => number = (x) => x) =>
    fc.asyncProperty(clear, async (values) => {
      const content = `image\tx\n${rows(values.map(write), '\t')}`;
      const listing = await read(content, { task: 'regression', label: 'x' });
      expect(numbers(listing).map((x) => (x ?? NaN) + 0)).toEqual(values.map((x) => of(x) + 0));
    });
  const decimals = (language: string) => (x: number) =>
    x.toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const cents = (x: number): number => Number(x.toFixed(2));

  it('any numbers as programs write them are read back', () => fc.assert(roundTrip(String), { numRuns: 20 }));
  it.each(['en-US', 'de-DE', 'fr-FR', 'de-CH'])('any amounts of %s are read back', (language) =>
    fc.assert(
      roundTrip(decimals(language), (x) => cents(Number(x.toFixed(2)))),
      { numRuns: 20 },
    ),
  );
});

describe('labels of a list are read as they are written, or refused with their line', () => {
  const labelsOf = ({ classes, items }: Listing): string[][] =>
    items.map(({ targets = [] }: Item) => classes.filter((_, k) => targets[k] === 1));
  it.each<[string, string[], Outcome<string[][]>]>([
    [
      'semicolons',
      ['cat; dog', 'cat', ''],
      [[['cat', 'dog'], ['cat'], []], 'x: semicolons separate labels, as in "cat; dog".'],
    ],
    ['bars', ['cat|dog', 'dog'], [[['cat', 'dog'], ['dog']], 'x: bars separate labels']],
    ['commas', ['dog, cat', 'dog'], [[['cat', 'dog'], ['dog']], 'x: commas separate labels']],
    ['one label each', ['cat', 'dog'], [[['cat'], ['dog']], 'label: x.']],
    [
      'commas beside semicolons',
      ['tench, Tinca tinca;dog'],
      /line 2: x is "tench, Tinca tinca;dog": do semicolons or commas/,
    ],
    [
      'commas in one cell, bars in another',
      ['cat|dog', 'tench, Tinca'],
      /line 3: x is "tench, Tinca", and "cat\|dog" in .*line 2/,
    ],
    [
      'JSON lists',
      ['["tench, Tinca tinca","dog"]', '["a;b"]'],
      [[['dog', 'tench, Tinca tinca'], ['a;b']], 'label: x.'],
    ],
    [
      'lists of Python',
      [`["dog's", 'cat, big']`, `['it\\'s']`, '[]'],
      [[['cat, big', "dog's"], ["it's"], []], 'label: x.'],
    ],
    ['lists without quotes', ['[cat, dog]', '[cat]'], [[['cat', 'dog'], ['cat']], 'label: x.']],
  ])('%s', async (_, cells, outcome) => {
    const content = `image\tx\n${rows(
      cells.map((cell) => `"${cell.replaceAll('"', '""')}"`),
      '\t',
    )}`;
    await holds(read(content, { task: 'multi-label', label: 'x' }), labelsOf, outcome);
  });

  it('marks in columns are said', async () => {
    const content = 'image,cat,dog\n0.jpg,1,yes\n1.jpg,0,\n2.jpg,-1,no\n';
    const listing = await read(content, { task: 'multi-label', label: ['cat', 'dog'] });
    expect(said(listing)).toContain('label: cat + dog.');
    expect(said(listing)).toContain('cat, dog: 1, yes is read as yes, 0, an empty cell, -1, no as no.');
  });

  const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
  const lists = fc.array(fc.uniqueArray(name, { maxLength: 4 }), { minLength: 1, maxLength: 8 });
  const sorted = (all: readonly (readonly string[])[]): string[][] => all.map((list) => [...list].sort());

  it('any names are read back from lists, in JSON and in CSV', () =>
    fc.assert(
      fc.asyncProperty(
        lists.filter((all) => all.some((list) => list.length > 0)),
        async (all) => {
          fc.pre(new Set(all.flat()).size < 5);
          const json = all.map((x, i) => JSON.stringify({ image: names[i], x })).join('\n');
          const csv = `image,x\n${rows(all.map((x) => `"${JSON.stringify(x).replaceAll('"', '""')}"`))}`;
          for (const [content, file] of [
            [json, 'a.jsonl'],
            [csv, 'labels.csv'],
          ] as const)
            expect(sorted(labelsOf(await read(content, { task: 'multi-label', label: 'x' }, file)))).toEqual(
              sorted(all),
            );
        },
      ),
      { numRuns: 20 },
    ));

  it('any classes are read back from quoted CSV of each separator, line end and encoding', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          name.filter((text) => text.trim() === text && !text.startsWith('[') && !text.includes('\r')),
          { minLength: 2, maxLength: 4 },
        ),
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.constantFrom<BufferEncoding>('utf8', 'utf16le'),
        async (classes, separator, end, encoding) => {
          const table = [['image', 'label'], ...classes.map((one, i) => [names[i], one])];
          const text = table
            .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(separator))
            .join(end);
          expect(classOf(await read(Buffer.from(`\ufeff${text}`, encoding)))).toEqual(classes);
        },
      ),
      { numRuns: 20 },
    ));
});
