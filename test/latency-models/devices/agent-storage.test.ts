import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Uploads } from '../../../latency-models/devices/agent/storage.js';
import { temporaryFolder } from '../../support/temporary.js';

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(64));
const bytes = new Uint8Array(40);

describe('uploaded models', () => {
  it('make room by age, but not while a measurement needs them', () => {
    let now = 0;
    const uploads = new Uploads(temporaryFolder(), { maxBytes: 100, lifeMs: 1000 }, () => now++);
    uploads.save(a, bytes);
    uploads.save(b, bytes);
    uploads.save(a, bytes);
    uploads.use([a]);
    uploads.save(c, bytes);
    expect([a, b, c].map((sha) => uploads.has(sha) && existsSync(uploads.file(sha)))).toEqual([true, false, true]);
    uploads.use([a, c]);
    expect(() => uploads.save(d, bytes)).toThrow(/fill all the room/);
    uploads.release([a]);
    expect(uploads.has(a)).toBe(true);
    uploads.release([a]);
    expect(existsSync(uploads.file(a))).toBe(false);
    uploads.save(d, bytes);
  });

  it('expire when unused', () => {
    let now = 0;
    const uploads = new Uploads(temporaryFolder(), { maxBytes: 100, lifeMs: 1000 }, () => now);
    uploads.save(a, bytes);
    uploads.save(b, bytes);
    uploads.use([b]);
    now = 999;
    uploads.expire();
    expect(uploads.has(a)).toBe(true);
    now = 1000;
    uploads.expire();
    expect([uploads.has(a), uploads.has(b)]).toEqual([false, true]);
  });

  it('of an earlier agent are removed, and nothing else in the folder', () => {
    const folder = temporaryFolder();
    for (const name of [`${a}.onnx`, `${b}.onnx.12.tmp`, 'model.onnx', a]) writeFileSync(join(folder, name), '');
    expect(new Uploads(folder, { maxBytes: 100, lifeMs: 1000 }).has(a)).toBe(false);
    expect(readdirSync(folder).sort()).toEqual([a, 'model.onnx']);
  });
});
