import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

const program = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** The reason why no queue server is available; false if one is. For `describe.skipIf`. */
export const valkeyMissing: string | false =
  program === undefined && 'no queue server is installed; on Debian or Ubuntu: apt install valkey-server';

/** Tests with a real queue server. Without one they are skipped, and the title names the package to install. */
export function describeWithValkey(name: string, body: () => void): void {
  describe.skipIf(valkeyMissing !== false)(
    valkeyMissing === false ? name : `${name} (skipped: ${valkeyMissing})`,
    body,
  );
}

export interface ValkeyOptions {
  /** Required password; default: none. */
  readonly password?: string;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
}

/** A queue server in a temporary folder. It ends with the test's process at the latest. */
export class Valkey {
  private readonly directory = mkdtempSync(join(tmpdir(), 'nas-valkey-'));
  private child: ChildProcess | undefined;
  private readonly end = () => this.child?.kill('SIGKILL');

  private constructor(
    readonly port: number,
    private readonly options: ValkeyOptions,
  ) {
    process.once('exit', this.end);
  }

  static async start(options: ValkeyOptions = {}): Promise<Valkey> {
    for (let attempt = 1; ; attempt++) {
      const valkey = new Valkey(await freePort(), options);
      try {
        await valkey.run();
        return valkey;
      } catch (error) {
        await valkey.stop();
        // Another process may have taken the port.
        if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
      }
    }
  }

  /** The URL without the password. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Process id of the running server. */
  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the queue server does not run');
    return this.child.pid;
  }

  /** Kills the server. `restart` recovers all confirmed writes. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }

  /** Starts the server on the same port; kills it first if it runs. */
  async restart({ empty = false }: { readonly empty?: boolean } = {}): Promise<void> {
    await this.kill();
    if (empty) rmSync(join(this.directory, 'appendonlydir'), { recursive: true, force: true });
    await this.run();
  }

  /** Stops the server and removes its folder. */
  async stop(): Promise<void> {
    process.off('exit', this.end);
    await this.kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async run(): Promise<void> {
    if (program === undefined) throw new Error(String(valkeyMissing));
    const { password, args = [] } = this.options;
    const settings = {
      port: this.port,
      bind: '127.0.0.1',
      dir: this.directory,
      save: '',
      // Confirmed writes are in the file, though perhaps not yet on disk, so they survive a kill of the process.
      appendonly: 'yes',
      appendfsync: 'no',
      ...(password !== undefined && { requirepass: password }),
    };
    const child = spawn(
      program,
      [...Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]), ...args],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.child = child;
    let output = '';
    await new Promise<void>((resolve, reject) => {
      const collect = (text: Buffer) => {
        output += text.toString();
        if (output.includes('Ready to accept connections')) resolve();
      };
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the queue server ended with ${String(code)}:\n${output}`)));
    });
    // Drains the output, because a full pipe would block the server.
    child.stdout.removeAllListeners('data').resume();
    child.stderr.removeAllListeners('data').resume();
  }
}

/** Starts a queue server for a test; `stop` it afterwards. */
export const startValkey = (options?: ValkeyOptions): Promise<Valkey> => Valkey.start(options);

/** A free port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
