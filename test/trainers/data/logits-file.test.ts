import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { damageOf, LogitsWriter, openLogitsFile, type LogitsShape } from '../../../trainers/data/logits-file.js';
import { temporaryFolder } from '../../support/temporary.js';

const rows = (first: number, count: number, classes: number): Float32Array =>
  Float32Array.from({ length: count * classes }, (_, i) => first + i / classes);

describe('a file of logits', () => {
  const shape: LogitsShape = { views: 2, count: 3, outputs: 4 };
  const write = (writer: LogitsWriter, from: number, until: number): void => {
    for (let row = from; row < until; row++) writer.append(rows(row, 1, 4));
  };

  it('is there when it is whole, and gives the rows of a view in any order', () => {
    const path = join(temporaryFolder(), 'logits');
    const writer = new LogitsWriter(path, shape);
    writer.append(rows(0, 2, 4));
    expect(statSync(`${path}.part`).size).toBe(2 * 16);
    expect(() => writer.finish()).toThrow('2 rows of logits instead of 6');
    write(writer, 2, 6);
    expect(existsSync(path)).toBe(false);
    writer.finish();
    writer.close();
    const file = openLogitsFile(path, shape);
    expect([...file.read([1, 1], [2, 0])]).toEqual([...rows(5, 1, 4), ...rows(3, 1, 4)]);
    expect([...file.read([0, 1], [1, 1])]).toEqual([...rows(1, 1, 4), ...rows(4, 1, 4)]);
    file.close();
    expect(() => openLogitsFile(path, { ...shape, views: 3 })).toThrow('96 bytes instead of 144');
  });

  it('holds float16 for maps', () => {
    const path = join(temporaryFolder(), 'logits');
    const writer = new LogitsWriter(path, { ...shape, half: true });
    writer.append(rows(0, 6, 4));
    writer.finish();
    writer.close();
    expect(statSync(path).size).toBe(6 * 4 * 2);
    const file = openLogitsFile(path, { ...shape, half: true });
    expect([...file.read([1, 0], [2, 1])]).toEqual([...rows(5, 1, 4), ...rows(1, 1, 4)]);
    file.close();
  });

  it('goes on after the last whole view that another process left', () => {
    const path = join(temporaryFolder(), 'logits');
    const died = new LogitsWriter(path, shape);
    write(died, 0, 5);
    died.close();
    truncateSync(`${path}.part`, 4 * 16 + 7);
    const writer = new LogitsWriter(path, shape);
    expect(writer.rows).toBe(3);
    write(writer, 3, 6);
    writer.finish();
    writer.close();
    const file = openLogitsFile(path, shape);
    expect([...file.read([0, 0, 0], [0, 1, 2]), ...file.read([1, 1, 1], [0, 1, 2])]).toEqual([...rows(0, 6, 4)]);
    file.close();
  });

  it('goes on after the last whole part, where it has smaller parts than views', () => {
    const path = join(temporaryFolder(), 'logits');
    const died = new LogitsWriter(path, shape, 2);
    write(died, 0, 5);
    died.close();
    const writer = new LogitsWriter(path, shape, 2);
    expect(writer.rows).toBe(4);
    writer.close();
  });

  it('knows its key and its checksum: what another teacher, half a copy or a disk left is found', () => {
    const path = join(temporaryFolder(), 'logits');
    const keyed = { ...shape, key: 'ab'.repeat(32) };
    const writer = new LogitsWriter(path, keyed);
    write(writer, 0, 6);
    writer.finish();
    writer.close();
    expect(damageOf(path, keyed)).toBeNull();
    const file = openLogitsFile(path, keyed);
    expect([...file.read([1], [2])]).toEqual([...rows(5, 1, 4)]);
    file.close();
    const other = { ...keyed, key: 'cd'.repeat(32) };
    expect(damageOf(path, other)).toMatch('are of another teacher, or of other images');
    expect(() => openLogitsFile(path, other)).toThrow('are of another teacher, or of other images');
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1;
      writeFileSync(path, damaged);
      expect(damageOf(path, keyed), `byte ${at}`).not.toBeNull();
    }
    writeFileSync(path, whole.subarray(0, whole.length / 2));
    expect(damageOf(path, keyed)).toMatch('bytes instead of');
  });

  it('may be larger than anything that fits in one buffer', () => {
    const path = join(temporaryFolder(), 'logits');
    // Views of 2.5 GiB in a sparse file: the disk holds only the written rows.
    const large: LogitsShape = { views: 2, count: 1_280_000, outputs: 524 };
    const viewBytes = large.count * large.outputs * 4;
    expect(viewBytes).toBeGreaterThan(2 ** 31);
    const hole = openSync(`${path}.part`, 'w');
    ftruncateSync(hole, viewBytes);
    closeSync(hole);
    const writer = new LogitsWriter(path, large);
    expect(writer.rows).toBe(large.count);
    const first = rows(1, 1, 524);
    writer.append(first);
    writer.close();
    truncateSync(`${path}.part`, 2 * viewBytes);
    const whole = new LogitsWriter(path, large);
    whole.finish();
    whole.close();
    const file = openLogitsFile(path, large);
    expect(file.read([1, 1], [0, large.count - 1])).toEqual(Float32Array.from([...first, ...new Float32Array(524)]));
    file.close();
  });
});
