import { createHash } from 'node:crypto';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Uploads } from '../../../latency-models/agent/storage.js';
import { temporaryFolder } from '../../support/temporary.js';

const modelOf = (value: number): Uint8Array => new Uint8Array(40).fill(value);
const models = new Map([1, 2, 3, 4].map((value) => [createHash('sha256').update(modelOf(value)).digest('hex'), value]));
const [a, b, c, d] = models.keys();

async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 7) yield await Promise.resolve(bytes.subarray(at, at + 7));
}

const save = (uploads: Uploads, sha256: string, value = models.get(sha256) ?? 0) =>
  uploads.receive(sha256, 40, chunks(modelOf(value)));

describe('uploaded models', () => {
  it('make room by age, but not while a measurement needs them', async () => {
    let now = 0;
    const uploads = new Uploads(temporaryFolder(), { maxBytes: 100, lifeMs: 1000 }, () => now++);
    for (const sha of [a, b, a]) await save(uploads, sha);
    uploads.use([a]);
    await save(uploads, c);
    expect([a, b, c].map((sha) => uploads.has(sha) && existsSync(uploads.file(sha)))).toEqual([true, false, true]);
    uploads.use([a, c]);
    await expect(save(uploads, d)).rejects.toThrow(/fill all the room/);
    uploads.release([a]);
    expect(uploads.has(a)).toBe(true);
    uploads.release([a]);
    expect(existsSync(uploads.file(a))).toBe(false);
    expect(await save(uploads, d)).toBeNull();
  });

  it('that arrive at the same time share the room, and wrong ones leave nothing', async () => {
    const folder = temporaryFolder();
    const uploads = new Uploads(folder, { maxBytes: 100, lifeMs: 1000 });
    const all = [a, b, c].map((sha) => save(uploads, sha));
    await expect(all[2]).rejects.toThrow(/fill all the room/);
    expect(await Promise.all(all.slice(0, 2))).toEqual([null, null]);
    expect(await save(uploads, d, 9)).toBe('wrong');
    expect(uploads.bytesOf([a, a, b, d])).toBe(uploads.has(a) ? 80 : 40);
    expect(readdirSync(folder).every((name) => name.endsWith('.onnx'))).toBe(true);
    const many = new Uploads(folder, { maxBytes: 1000, lifeMs: 1000 });
    const answers = await Promise.all(Array.from({ length: 9 }, () => save(many, a)));
    expect([answers.filter((each) => each === null).length, answers.at(-1)]).toEqual([8, 'busy']);
  });

  it('expire when unused', async () => {
    let now = 0;
    const uploads = new Uploads(temporaryFolder(), { maxBytes: 100, lifeMs: 1000 }, () => now);
    for (const sha of [a, b]) await save(uploads, sha);
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
