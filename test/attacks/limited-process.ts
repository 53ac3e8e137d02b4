/** Processes with a bound on their memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A control group with a memory limit. Without the right to create one, its processes have no limit. */
export class LimitedGroup {
  private readonly folder: string | null;

  /** @param flags of Node.js */
  constructor(
    bytes: number,
    private readonly flags: readonly string[] = [],
  ) {
    this.folder = groupOf(bytes);
  }

  get hasLimit(): boolean {
    return this.folder !== null;
  }

  /**
   * Starts a program of Node.js in the group.
   * @returns the process, and the first line of its output that has an address
   */
  async start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ child: ChildProcess; line: string }> {
    const enter = this.folder === null ? '' : `echo $$ > ${join(this.folder, 'cgroup.procs')}; `;
    const child = spawn('sh', ['-c', `${enter}exec "$0" "$@" 2>&1`, process.execPath, ...this.flags, ...args], {
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
    if (this.folder !== null) rmdirSync(this.folder);
  }
}

function groupOf(bytes: number): string | null {
  for (const [root, file] of [
    ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'],
    ['/sys/fs/cgroup', 'memory.max'],
  ]) {
    const group = join(root, `nas-attacks-${process.pid}`);
    try {
      mkdirSync(group);
      writeFileSync(join(group, file), String(bytes));
      return group;
    } catch {
      rmSync(group, { recursive: true, force: true });
    }
  }
  return null;
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
