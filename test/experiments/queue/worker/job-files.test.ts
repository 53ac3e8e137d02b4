import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import type { Folders } from '../../../../experiments/queue/transport/messages.js';
import { JobUploads } from '../../../../experiments/queue/worker/job-files.js';
import { Gate } from '../../../../experiments/runner/jobs/supervision.js';
import { temporaryFolder } from '../../../support/temporary.js';

const artifact = (n: number) => ({ sha256: String(n).padStart(64, '0'), bytes: n });

function setting(initial: Folders = { '@1': [] }) {
  const folder = temporaryFolder();
  const reported: Folders[] = [];
  let sent = 0;
  let fails = false;
  let gate: Gate | null = null;
  const uploads = new JobUploads(initial, {
    put: async () => {
      const n = ++sent;
      await gate?.opened;
      if (fails) throw new Error('away');
      return artifact(n);
    },
    onFiles: (folders) => {
      reported.push(folders);
      return Promise.resolve();
    },
    locate: (_symbol, inside) => join(folder, inside),
    signal: new AbortController().signal,
  });
  const write = (inside: string) => {
    writeFileSync(join(folder, inside), inside);
    return { symbol: '@1', inside, file: join(folder, inside) };
  };
  return {
    uploads,
    reported,
    write,
    folder,
    sent: () => sent,
    failing: (is: boolean) => (fails = is),
    hold: () => (gate = new Gate()),
  };
}

describe('uploads of a job', () => {
  it('send only the newest version of a file that is written during an upload', async () => {
    const { uploads, write, sent, hold } = setting();
    const gate = hold();
    const file = write('checkpoint.bin');
    for (let i = 0; i < 5; i++) uploads.add(file);
    gate.open();
    const folders = await uploads.flush();
    expect(sent()).toBe(2);
    expect(folders).toEqual({ '@1': [{ path: 'checkpoint.bin', ...artifact(2) }] });
  });

  it('send a file once that the result names while it is uploaded, and leave the last report to the answer', async () => {
    const { uploads, write, sent, hold, reported } = setting();
    uploads.add(write('checkpoint.bin'));
    await vi.waitFor(() => expect(reported).toHaveLength(1));
    const gate = hold();
    const weights = write('weights.bin');
    uploads.add(weights);
    uploads.addMissing(weights);
    const flushed = uploads.flush();
    gate.open();
    expect((await flushed)['@1']).toHaveLength(2);
    expect([sent(), reported.length]).toEqual([2, 1]);
  });

  it('leave out removed files, and keep the files from which the job started', async () => {
    const { uploads, write, folder } = setting({ '@1': [{ path: 'checkpoint.bin', ...artifact(9) }] });
    write('checkpoint.bin');
    uploads.addMissing(write('weights.bin'));
    expect((await uploads.flush())['@1'].map(({ path }) => path)).toEqual(['checkpoint.bin', 'weights.bin']);
    rmSync(join(folder, 'checkpoint.bin'));
    expect((await uploads.flush())['@1'].map(({ path }) => path)).toEqual(['weights.bin']);
  });

  it('repeat failed uploads at the end, and report a second failure', async () => {
    const { uploads, write, failing, reported } = setting();
    failing(true);
    uploads.add(write('a'));
    await expect(uploads.flush()).rejects.toThrow('away');
    expect(reported).toEqual([]);
    failing(false);
    expect((await uploads.flush())['@1']).toHaveLength(1);
  });
});
