import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { choicesOf, enumerate, loadTable, readCsv, recogniseDecisions } from '../../../spaces/index.js';
import { sharedFolder } from '../../support/temporary.js';

const folder = sharedFolder();

function write(text: string, name = 'results.csv'): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const load = (text: string, decisions: string[] = ['op', 'width']) =>
  loadTable({ type: 'table', file: write(text), decisions });

const good = 'op,width,acc\nk11,16,0.5\nk3,8,0.25\nk3,16,nan\n';

describe('a table of results', () => {
  it('sorts numbers as numbers and texts naturally', () => {
    const { space } = load(good);
    expect(space.decisions).toEqual([
      { name: 'op', choices: ['k3', 'k11'] },
      { name: 'width', choices: [8, 16] },
    ]);
  });

  it('finds the row of each network, and its numbers', () => {
    const table = load(good);
    const values = table.numbers('acc');
    const found = [...enumerate(table.space)].map((genotype) => {
      const row = table.rowOf(genotype);
      return [choicesOf(table.space.decisions, genotype), values[row], table.lineOf(row)];
    });
    expect(found).toEqual([
      [{ op: 'k3', width: 8 }, 0.25, 3],
      [{ op: 'k3', width: 16 }, NaN, 4],
      [{ op: 'k11', width: 16 }, 0.5, 2],
    ]);
    expect(() => table.rowOf([1, 0])).toThrow('has no row for the genotype 1-0');
  });

  it('reads quotes, byte order marks, empty lines and other line ends', () => {
    const text = '\uFEFFop, width ,acc\r\n"a, ""b""\nc",8,1e-1\r\n\r\nd,16,2\r\n';
    const { space, ...table } = load(text);
    expect(space.decisions[0].choices).toEqual(['a, "b"\nc', 'd']);
    expect(table).toBeDefined();
    const tabs = write('op\twidth\tacc\na,b\t8\t1\n', 'results.tsv');
    expect(readCsv(tabs).rows).toEqual([['a,b', '8', '1']]);
    expect(readCsv(write('op;width;acc\r\na,b;8;1\r\n')).rows).toEqual([['a,b', '8', '1']]);
    expect(() => readCsv(write('op;width,acc\na;8,1\n'))).toThrow(/line 1: the table may be separated by .*semicolons/);
  });

  it.each([
    ['', 'is empty'],
    ['op,width,acc\n', 'has no rows'],
    ['op,op,acc\na,b,1\n', "two columns are called 'op'"],
    ['op,width,acc\na,1\n', 'not a table: Invalid Record Length: expect 3, got 2 on line 2'],
    ['op,width,acc\n"a,1,2\n', 'not a table: Quote Not Closed'],
    ['op,widht,acc\na,1,2\n', "has no column 'width'; did you mean 'widht'?"],
    ['op,width,acc\na,1,2\n,3,4\nb,,5\n', "line 3: column 'op' is empty; expected the choice of every network"],
    ['op,width,acc\na,1,2\nb,1,2\na,1.0,3\nb,1,4\n', 'lines 2 and 4, lines 3 and 5 have the same decisions'],
  ])('refuses %j', (text, message) => {
    expect(() => load(text)).toThrow(message);
  });

  it.each([
    ['op,width,acc\na,1,\nb,2,\n', "line 2: column 'acc' is empty; expected a number"],
    ['op,width,acc\na,1,fast\n', 'column \'acc\' is "fast"; expected a number (NaN where an evaluation failed)'],
    ['op,width,acc\na,1,x\nb,1,1\nc,1,y\n', 'so in line 4'],
    ['op,width,acu\na,1,x\n', "has no column 'acc'; did you mean 'acu'?"],
  ])('refuses the numbers of %j', (text, message) => {
    expect(() => load(text).numbers('acc')).toThrow(message);
  });

  it('says what cannot be read', () => {
    const file = join(folder, 'nowhere.csv');
    expect(() => loadTable({ type: 'table', file, decisions: ['a'] })).toThrow(`${file}: cannot be read`);
  });
});

it('decisions are recognised: texts, and whole numbers before the first measurement', () => {
  const columns = (text: string) => recogniseDecisions(readCsv(write(text)));
  expect(columns('op,width,acc,phone\nk3,8,0.5,7\nk5,16,1,9\n')).toEqual(['op', 'width']);
  expect(columns('depth,ms,kind\n1,0.5,a\n2,nan,b\n')).toEqual(['depth', 'kind']);
});
