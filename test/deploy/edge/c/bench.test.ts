import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseBenchLine } from '../../../../deploy/edge/c/bench.js';
import { writeC } from '../../../../deploy/edge/c/index.js';
import { sharedFolder } from '../../../support/temporary.js';
import { randomProgram } from '../support/programs.js';
import { describeWith } from './support/compilers.js';

const shared = sharedFolder();

/** Two runs of the benchmark, 123 ticks each. */
const main = `
#include <stdio.h>
#include "model_bench.h"
static uint32_t now = 4294967290u;
static uint32_t ticks(void) { return now += 123u; }
static void print(const char *text) { fputs(text, stdout); }
int main(void) {
  nas_bench(0, 1000000, ticks, print);
  nas_bench(4294967295u, 168000000, ticks, print);
  return 0;
}
`;

describeWith(['gcc'], 'the benchmark in C', () => {
  test('prints lines that are read as they were meant, also where the clock begins again', () => {
    const directory = join(shared, 'bench');
    mkdirSync(directory);
    const id = writeC(directory, randomProgram(3), { title: 'Random' }, { tests: false });
    writeFileSync(join(directory, 'main.c'), main);
    const flags = ['-std=c99', '-Wall', '-Wextra', '-Wconversion', '-pedantic', '-Werror'];
    execFileSync('gcc', [...flags, 'main.c', 'model.c', '-o', 'bench'], { cwd: directory });
    const lines = execFileSync(join(directory, 'bench'), { encoding: 'utf8' }).trimEnd().split('\n');
    const compiler = expect.stringMatching(/^GCC \d+\.\d+\.\d+/) as string;
    expect(lines.map(parseBenchLine)).toEqual([
      { id, run: 0, ticks: 123, hz: 1e6, wrong: 0, compiler },
      { id, run: 2 ** 32 - 1, ticks: 123, hz: 168e6, wrong: 0, compiler },
    ]);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(127);
  });
});

describe('lines of the benchmark', () => {
  const line = 'nas 0123456789abcdef 7 345678 1000000 0 gcc 13.2 3983618035';
  test('are read after other text, and with the end of a line of Windows', () => {
    const expected = { id: '0123456789abcdef', run: 7, ticks: 345_678, hz: 1_000_000, wrong: 0, compiler: 'gcc 13.2' };
    expect(parseBenchLine(line)).toEqual(expected);
    expect(parseBenchLine(`\u0000ÿboot nas ${line}\r`)).toEqual(expected);
  });

  test('are refused when any character is changed, missing or twice there', () => {
    for (let at = 0; at < line.length; at++)
      for (const damaged of [
        line.slice(0, at) + line.slice(at + 1),
        `${line.slice(0, at + 1)}${line.slice(at)}`,
        ...['0', '9', ' ', '\u0080'].map((other) => line.slice(0, at) + other + line.slice(at + 1)),
      ])
        if (!damaged.endsWith(line)) expect([damaged, parseBenchLine(damaged)]).toEqual([damaged, undefined]);
  });
});
