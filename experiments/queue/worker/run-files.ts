import type { Artifacts } from '../artifacts/artifacts.js';

interface Open {
  readonly artifacts: Promise<Artifacts>;
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/** How long a run's connections are kept when no job uses them, in ms. */
const idleMs = 60_000;

/** The files of the runs that this worker works for, opened at their first job. */
export class RunFiles {
  private readonly runs = new Map<string, Open>();

  constructor(private readonly open: (run: string) => Promise<Artifacts>) {}

  async with<T>(run: string, use: (artifacts: Artifacts) => Promise<T>): Promise<T> {
    const entry = this.entry(run);
    entry.users++;
    clearTimeout(entry.timer);
    try {
      return await use(await entry.artifacts);
    } finally {
      entry.users--;
      if (entry.users === 0) entry.timer = setTimeout(() => void this.forget(run, entry), idleMs).unref();
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.runs].map(([run, entry]) => this.forget(run, entry)));
  }

  private entry(run: string): Open {
    const known = this.runs.get(run);
    if (known !== undefined) return known;
    const entry: Open = { artifacts: this.open(run), users: 0, timer: undefined };
    // Who uses it hears of it; the next one tries again.
    entry.artifacts.catch(() => this.runs.delete(run));
    this.runs.set(run, entry);
    return entry;
  }

  private async forget(run: string, { artifacts, timer }: Open): Promise<void> {
    clearTimeout(timer);
    this.runs.delete(run);
    await artifacts.then(
      (open) => open.close(),
      () => undefined,
    );
  }
}
