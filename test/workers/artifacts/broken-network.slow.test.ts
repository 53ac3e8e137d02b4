import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ArtifactGone, StorageFailed, WrongContent } from '../../../workers/artifacts/artifact.js';
import { partOf } from '../../../workers/artifacts/files.js';
import { serveArtifacts } from '../../../workers/artifacts/server.js';
import { startProxy, type Proxy } from '../../support/proxy.js';
import { temporaryFolder } from '../../support/temporary.js';
import { artifactOf, fileWith, someBytes } from './describe-artifacts.js';
import { reach, serve, token } from './hosted.js';

const megabyte = 2 ** 20;
/** Requests and answers beside the content. */
const slack = 20_000;

/** A server, and a network in front of it that fails on demand. */
async function network(
  options: Parameters<typeof serve>[0] = {},
): Promise<Awaited<ReturnType<typeof serve>> & { proxy: Proxy; url: string }> {
  const served = await serve(options);
  const proxy = await startProxy({ port: served.server.port });
  onTestFinished(() => proxy.close());
  return { ...served, proxy, url: `http://127.0.0.1:${proxy.port}` };
}

/** A server of anything. */
async function impostor(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('an interrupted transfer', () => {
  it('of a content is shared by all workers that send or fetch it at the same time', async () => {
    const { proxy, url } = await network();
    const bytes = someBytes(2 * megabyte);
    const [one, other] = [reach(() => url), reach(() => url)];
    const file = fileWith(bytes);
    const artifact = await one.put(file);
    expect(proxy.bytes.there).toBeGreaterThan(bytes.length);
    await one.put(file);
    await other.put(fileWith(bytes));
    expect(proxy.bytes.there).toBeLessThan(bytes.length + slack);
    const target = join(temporaryFolder(), 'file');
    await Promise.all([other.get(artifact, target), other.get(artifact, target), other.get(artifact, target)]);
    await other.get(artifact, target);
    expect(proxy.bytes.back).toBeLessThan(bytes.length + slack);
    expect(readFileSync(target).equals(bytes)).toBe(true);
  });

  it('continues a download after each broken connection', async () => {
    const { hosted, proxy, url } = await network();
    const bytes = someBytes(24 * megabyte);
    const artifact = await hosted.put(fileWith(bytes));
    const target = join(temporaryFolder(), 'file');
    let breaks = 0;
    const onProgress = (done: number): void => {
      if (done < (breaks + 1) * 6 * megabyte || done === bytes.length) return;
      breaks++;
      proxy.breakOff();
    };
    await reach(() => url).get(artifact, target, { onProgress });
    expect(breaks).toBe(3);
    expect(readFileSync(target).equals(bytes)).toBe(true);
    // Bytes in flight are sent again. A restart from the first byte would double the transfer.
    expect(proxy.bytes.back).toBeLessThan(1.7 * bytes.length);
    expect(proxy.connections).toBe(4);
  });

  it('continues an upload after a broken connection', async () => {
    const { hosted, proxy, url } = await network();
    const bytes = someBytes(24 * megabyte);
    let broken = 0;
    const watch = setInterval(() => {
      if (proxy.bytes.there < (broken + 1) * 8 * megabyte || broken === 2) return;
      broken++;
      proxy.breakOff();
    }, 1);
    onTestFinished(() => clearInterval(watch));
    proxy.delayMs = 2;
    const artifact = await reach(() => url).put(fileWith(bytes));
    expect(broken).toBeGreaterThan(0);
    const target = join(temporaryFolder(), 'file');
    await hosted.get(artifact, target);
    expect(readFileSync(target).equals(bytes)).toBe(true);
    expect(proxy.bytes.there).toBeLessThan(1.7 * bytes.length);
  });

  it('continues a download in another process', async () => {
    const { hosted, proxy, url } = await network();
    const bytes = someBytes(16 * megabyte);
    const artifact = await hosted.put(fileWith(bytes));
    const target = join(temporaryFolder(), 'file');
    const stop = new AbortController();
    const onProgress = (done: number): void => {
      if (done > 10 * megabyte) stop.abort(new Error('killed'));
    };
    await expect(reach(() => url).get(artifact, target, { signal: stop.signal, onProgress })).rejects.toThrow('killed');
    expect(statSync(partOf(target, artifact)).size).toBeGreaterThan(9 * megabyte);
    const before = proxy.bytes.back;
    await reach(() => url).get(artifact, target);
    expect(proxy.bytes.back - before).toBeLessThan(7 * megabyte);
    expect(readFileSync(target).equals(bytes)).toBe(true);
    expect(readdirSync(join(target, '..'))).toEqual(['file']);
  });

  it('detects a damaged partial file, and fetches it anew', async () => {
    const { hosted, url } = await network();
    const bytes = someBytes(megabyte);
    const artifact = await hosted.put(fileWith(bytes));
    const target = join(temporaryFolder(), 'file');
    for (const rest of [Buffer.alloc(500_000), Buffer.alloc(2 * megabyte), Buffer.alloc(megabyte)]) {
      writeFileSync(partOf(target, artifact), rest);
      await reach(() => url).get(artifact, target);
      expect(readFileSync(target).equals(bytes)).toBe(true);
      writeFileSync(target, 'other');
    }
  });

  it('delivers the original content of a file that is replaced meanwhile', async () => {
    const { hosted, proxy, url } = await network();
    proxy.delayMs = 5;
    const bytes = someBytes(8 * megabyte);
    const path = fileWith(bytes);
    let isReplaced = false;
    const onProgress = (done: number): void => {
      if (done < megabyte || isReplaced) return;
      isReplaced = true;
      writeFileSync(`${path}.new`, someBytes(8 * megabyte, 2));
      renameSync(`${path}.new`, path);
      proxy.breakOff();
    };
    const artifact = await reach(() => url).put(path, { onProgress });
    expect(isReplaced).toBe(true);
    expect(artifact).toEqual(artifactOf(bytes));
    const target = join(temporaryFolder(), 'file');
    await hosted.get(artifact, target);
    expect(readFileSync(target).equals(bytes)).toBe(true);
  });

  it('reports a replaced file of the coordinator as gone', async () => {
    const { hosted, url } = await network();
    const path = fileWith(Buffer.from('first'));
    const first = await hosted.put(path);
    writeFileSync(`${path}.new`, 'again');
    renameSync(`${path}.new`, path);
    await expect(reach(() => url).get(first, join(temporaryFolder(), 'file'))).rejects.toBeInstanceOf(ArtifactGone);
    const second = await hosted.put(path);
    await reach(() => url).get(second, join(temporaryFolder(), 'file'));
  });
});

describe('a coordinator', () => {
  it('is looked for when it is gone, and found at its new address', async () => {
    const first = await network();
    const bytes = someBytes(8 * megabyte);
    const path = fileWith(bytes);
    const artifact = await first.hosted.put(path);
    const second = await serve({ uploads: first.uploads });
    await second.hosted.put(path);
    let asked = 0;
    const worker = reach(() => {
      asked++;
      // Its old record stands for a while, then there is none, then the new one.
      return asked < 4 ? first.url : asked < 6 ? null : second.server.url;
    });
    const target = join(temporaryFolder(), 'file');
    const onProgress = (done: number): void => {
      if (done > 3 * megabyte) first.proxy.set('cut');
    };
    await worker.get(artifact, target, { onProgress });
    expect(asked).toBe(6);
    expect(readFileSync(target).equals(bytes)).toBe(true);
    // An upload, too, goes on at the next one.
    const other = someBytes(8 * megabyte, 2);
    let at = second.server.url;
    const sent = reach(() => at).put(fileWith(other), {
      onProgress: (done) => {
        if (done < 3 * megabyte || at === third.server.url) return;
        at = third.server.url;
        void second.server.close();
      },
    });
    const third = await serve({ uploads: first.uploads });
    await third.hosted.get(await sent, target);
    expect(readFileSync(target).equals(other)).toBe(true);
  });

  it('that stays away for long is an error that says what to check', async () => {
    const worker = reach(() => null, { patienceMs: 300 });
    const failure = worker.put(fileWith(Buffer.from('x')));
    await expect(failure).rejects.toMatchObject({
      code: 'failure',
      message: expect.stringContaining('has not gone on for 0.3 s: no nas run is at work on it') as unknown,
      hint: expect.stringContaining('nas run') as unknown,
    });
    const { proxy, url } = await network();
    proxy.set('cut');
    await expect(reach(() => url, { patienceMs: 300 }).put(fileWith(Buffer.from('x')))).rejects.toThrow(
      /ECONNRESET|hang up/,
    );
  });

  it('that falls silent is given up, and its upload continues', async () => {
    const { hosted, proxy, url } = await network({ silenceMs: 300 });
    const bytes = someBytes(8 * megabyte);
    proxy.delayMs = 1;
    let isSilent = false;
    const onProgress = (done: number): void => {
      if (done < 2 * megabyte || isSilent) return;
      isSilent = true;
      proxy.set('silent');
      setTimeout(() => proxy.set('open'), 700);
    };
    const artifact = await reach(() => url, { silenceMs: 400 }).put(fileWith(bytes), { onProgress });
    expect(isSilent).toBe(true);
    await hosted.get(artifact, join(temporaryFolder(), 'file'));
  });

  it('that sends altered bytes is an error', async () => {
    const url = await impostor((_, reply) => void reply.end('something else of 27 bytes!'));
    const expected = artifactOf(Buffer.from('what should come, 27 bytes!'));
    const folder = temporaryFolder();
    for (const bytes of [27, 20]) {
      const failure = reach(() => url).get({ ...expected, bytes }, join(folder, 'file'));
      await expect(failure).rejects.toBeInstanceOf(WrongContent);
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  it('may send the whole content when a part was requested', async () => {
    const bytes = someBytes(300_000);
    const url = await impostor((_, reply) => void reply.end(bytes));
    const target = join(temporaryFolder(), 'file');
    writeFileSync(partOf(target, artifactOf(bytes)), bytes.subarray(0, 100_001));
    await reach(() => url).get(artifactOf(bytes), target);
    expect(readFileSync(target).equals(bytes)).toBe(true);
  });
});

describe('a disk', () => {
  it('that is full on a worker is an error of its own, and no partial file stays', async () => {
    const { hosted, url } = await network();
    const artifact = await hosted.put(fileWith(someBytes(3 * megabyte)));
    const target = join(temporaryFolder(), 'file');
    symlinkSync('/dev/full', partOf(target, artifact));
    const failure = reach(() => url).get(artifact, target);
    await expect(failure).rejects.toBeInstanceOf(StorageFailed);
    await expect(failure).rejects.toThrow(/ENOSPC/);
    expect(readdirSync(join(target, '..'))).toEqual([]);
    await reach(() => url).get(artifact, target);
  });

  it('that is full on the coordinator is reported to the worker, before or during the upload', async () => {
    const { proxy, url } = await network({ reserveBytes: 2 ** 60 });
    const path = fileWith(someBytes(4 * megabyte));
    await expect(reach(() => url).put(path)).rejects.toMatchObject({
      code: 'failure',
      message: expect.stringContaining('no room for it on the disk of the run') as unknown,
    });
    expect(proxy.bytes.there).toBeLessThan(slack);
    const other = await network();
    mkdirSync(other.uploads, { recursive: true });
    const part = join(other.uploads, `${artifactOf(readFileSync(path)).sha256}.part`);
    // The disk stays full for another attempt, which follows when the refusal is lost with its connection.
    const fill = (): void => {
      if (!existsSync(part)) symlinkSync('/dev/full', part);
    };
    fill();
    const filling = setInterval(fill, 1);
    onTestFinished(() => clearInterval(filling));
    await expect(reach(() => other.url).put(path)).rejects.toThrow(/no room for it on the disk of the run/);
  });
});

it('a worker with the token of an earlier coordinator fetches the new one', async () => {
  const { hosted, server } = await serve();
  const other = await serveArtifacts(hosted, { host: '127.0.0.1', port: 0, token: 'a new token' });
  onTestFinished(() => other.close());
  const artifact = await hosted.put(fileWith(Buffer.from('content')));
  const urls = [other.url, server.url];
  const worker = reach(() => urls.shift() ?? null);
  await worker.get(artifact, join(temporaryFolder(), 'file'));
  expect(token).not.toBe('a new token');
  expect(urls).toEqual([]);
});
