import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DeviceFailure, NasError } from '../../../base/errors.js';
import { runJob } from '../../../runner/jobs/run-job.js';
import { temporaryFolder } from '../../support/temporary.js';
import { tiniestStudent } from '../../trainers/support/networks.js';

/** What a board prints: 2,000 ticks of a microsecond, no wrong outputs, and a checksum. */
const line = 'nas 0123456789abcdef 0 2000 1000000 0 gcc 13.2 2126957255';
const versions = '[ "$1" = --version ] && echo version && exit\n';

/** Scripts in place of compiler and QEMU. @returns a file that QEMU makes when it starts */
function tools(gcc: string, qemu: string): string {
  const bin = temporaryFolder();
  for (const [name, text] of [
    ['arm-none-eabi-gcc', gcc],
    ['qemu-system-arm', `touch ${join(bin, 'started')}; ${qemu}`],
  ])
    writeFileSync(join(bin, name), `#!/bin/sh\n${versions}${text}\n`, { mode: 0o755 });
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env['PATH'] ?? ''}`);
  return join(bin, 'started');
}
afterEach(() => void vi.unstubAllEnvs());

const job = { kind: 'instructions', candidate: { network: tiniestStudent, seed: 1 }, core: 'cortex-m4' } as const;

const count = (signal = new AbortController().signal, pause = () => Promise.resolve()) =>
  runJob<'instructions'>(job, { onEvent: () => undefined, signal, pause });

describe('the job that counts instructions', () => {
  it('gives the count, and stands still between its steps', async () => {
    const started = tools('exit 0', `echo "${line}"`);
    const begun: boolean[] = [];
    const found = await count(undefined, () => Promise.resolve(void begun.push(existsSync(started))));
    expect(found).toEqual({ instructions: 2_000_000 });
    // After the export, and between compiler and QEMU.
    expect(begun).toEqual([false, false]);
  });

  it.each([
    ['the compiler', 'echo "Killed signal terminated program cc1" >&2; exit 1', 'exit 0'],
    ['QEMU', 'exit 0', 'exit 1'],
  ])('a failure of %s is of the attempt, not of the network', async (_, gcc, qemu) => {
    tools(gcc, qemu);
    await expect(count()).rejects.toThrow(DeviceFailure);
  });

  it('a network that does not fit fails itself', async () => {
    tools('echo "region \\`RAM\' overflowed by 300 bytes" >&2; exit 1', 'exit 0');
    expect(await count()).toEqual({ failed: expect.stringContaining('300 bytes too large for the memory') as string });
  });

  it('ends QEMU when it is stopped', async () => {
    const started = tools('exit 0', 'exec sleep 600');
    const stopping = new AbortController();
    const result = count(stopping.signal).catch((error: unknown) => error);
    await expect.poll(() => existsSync(started)).toBe(true);
    stopping.abort();
    const error = await result;
    expect(error).toBeInstanceOf(NasError);
    expect(error).toMatchObject({ code: 'interrupted' });
  });
});
