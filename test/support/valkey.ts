import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';

const program = ['valkey-server', 'redis-server'].find((name) => spawnSync(name, ['--version']).status === 0);

/** Why there can be no queue server here; false where there can. For `describe.skipIf`. */
export const valkeyMissing: string | false =
  program === undefined && 'there is no queue server here; on Debian or Ubuntu: apt install valkey-server';

/** Tests with a real queue server. Where there is none they are skipped, and say what to install. */
export function describeWithValkey(name: string, body: () => void): void {
  describe.skipIf(valkeyMissing !== false)(
    valkeyMissing === false ? name : `${name} (skipped: ${valkeyMissing})`,
    body,
  );
}

export interface ValkeyOptions {
  /** Asked of all who connect; default: none is. */
  readonly password?: string;
  /** Further arguments of the server. */
  readonly args?: readonly string[];
}

/** A queue server of a test's own, in a temporary folder; it ends with the test's process at the latest. */
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
        // Somebody else may have been given the same port.
        if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
      }
    }
  }

  /** Without the password. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Of the server as it runs now. */
  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the queue server does not run');
    return this.child.pid;
  }

  /** Ends it at once, as a power cut does; what it had told clients to be done is still there for `restart`. */
  async kill(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    const over = once(child, 'exit');
    child.kill('SIGKILL');
    await over;
  }

  /** Starts it on the same port, after `kill` where it still runs. */
  async restart({ empty = false }: { readonly empty?: boolean } = {}): Promise<void> {
    await this.kill();
    if (empty) rmSync(join(this.directory, 'appendonlydir'), { recursive: true, force: true });
    await this.run();
  }

  /** Ends it for good and removes its folder. */
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
      // Each write is in the file when it is answered, though not on the disk: a killed server has it when it is back.
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
      const hear = (text: Buffer) => {
        output += text.toString();
        if (output.includes('Ready to accept connections')) resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the queue server ended with ${String(code)}:\n${output}`)));
    });
    // Nobody reads on, and a full pipe would stop the server.
    child.stdout.removeAllListeners('data').resume();
    child.stderr.removeAllListeners('data').resume();
  }
}

/** Starts a queue server for a test; `stop` it afterwards. */
export const startValkey = (options?: ValkeyOptions): Promise<Valkey> => Valkey.start(options);

/** A port that nobody uses now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
