/** Processes with a bound on their memory, and a core when they need one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/**
 * Shares of the processor. An attacker has a machine of its own, and the other programs of this one are no part of an attack: so
 * the attacked process and the client beside the attack come first. Attackers still come before the other programs.
 */
const shares = { attacked: 1, client: 1, attackers: 1 / 16 } as const;
type Role = keyof typeof shares;

/** Files of both versions of control groups, and the most that a share can be. */
const versions = [
  {
    memory: { root: '/sys/fs/cgroup/memory', file: 'memory.limit_in_bytes' },
    processor: { root: '/sys/fs/cgroup/cpu', file: 'cpu.shares', most: 262_144 },
  },
  {
    memory: { root: '/sys/fs/cgroup', file: 'memory.max' },
    processor: { root: '/sys/fs/cgroup', file: 'cpu.weight', most: 10_000 },
  },
] as const;
const version = versions.find(({ memory }) => existsSync(memory.root));

/** Control groups of the attacked process, the client and the attackers. Without the right to create them, there are none. */
export class LimitedGroups {
  private readonly folders = new Set<string>();
  private readonly ofRole = new Map<Role, string>();
  private readonly memory: string | null = null;

  /** @param flags of Node.js */
  constructor(
    bytes: number,
    private readonly flags: readonly string[] = [],
  ) {
    if (version === undefined) return;
    const { memory, processor } = version;
    this.memory = this.create(memory.root, 'attacked', memory.file, bytes);
    for (const role of ['attacked', 'client', 'attackers'] as const) {
      const share = Math.round(processor.most * shares[role]);
      const folder = this.create(processor.root, role, processor.file, share);
      if (folder !== null) this.ofRole.set(role, folder);
    }
    const own = this.ofRole.get('client');
    if (own !== undefined) writeFileSync(join(own, 'cgroup.procs'), String(process.pid));
  }

  /** What the attacked process has. */
  get text(): string {
    const memory = this.memory === null ? 'no memory limit' : 'memory limit: 512 MiB';
    const processor = this.ofRole.size === 0 ? 'no cores of its own' : 'the first to have a core';
    return `${memory}; ${processor}${this.folders.size === 0 ? ' (no control group can be created)' : ''}`;
  }

  /** Arguments of `sh` that start a program in the groups of its role. */
  enter(role: Role, program: readonly string[], output = ''): string[] {
    const folders = new Set([this.ofRole.get(role), role === 'attacked' ? this.memory : null]);
    const lines = [...folders].flatMap((folder) => (folder ? [`echo $$ > ${join(folder, 'cgroup.procs')}; `] : []));
    return ['-c', `${lines.join('')}exec "$0" "$@" ${output}`, ...program];
  }

  /**
   * Starts a program of Node.js as the attacked process.
   * @returns the process, and the first line of its output that has an address
   */
  async start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; line: string }> {
    const child = spawn('sh', this.enter('attacked', [process.execPath, ...this.flags, ...args], '2>&1'), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const lines = createInterface(child.stdout);
    for await (const line of lines) {
      if (!line.includes('http://')) continue;
      lines.close();
      child.stdout.resume();
      return { child, line };
    }
    throw new Error(`${args.join(' ')} does not start`);
  }

  close(): void {
    // A group with a process cannot be removed: this one goes back to where it was.
    if (version !== undefined && this.ofRole.has('client'))
      writeFileSync(join(version.processor.root, 'cgroup.procs'), String(process.pid));
    for (const folder of this.folders) rmdirSync(folder);
  }

  private create(root: string, role: Role, file: string, value: number): string | null {
    const folder = join(root, `nas-attacks-${process.pid}-${role}`);
    try {
      mkdirSync(folder, { recursive: true });
      this.folders.add(folder);
      writeFileSync(join(folder, file), String(value));
      return folder;
    } catch {
      return null;
    }
  }
}

/** Resident memory of a process and its children, in MB. */
export function memoryOf(pid: number): number {
  try {
    const kB = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
    return kB / 1024 + children.reduce((sum, child) => sum + memoryOf(Number(child)), 0);
  } catch {
    return 0;
  }
}

/** Milliseconds that the main thread of a process has waited for a core; 0 where the kernel does not say. */
export function waitedMs(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}
