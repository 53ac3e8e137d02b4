import picocolors from 'picocolors';

export type Colors = ReturnType<typeof picocolors.createColors>;

/** Where a command writes to; results to `out`, everything else to `err`. */
export interface Terminal {
  /** Colours of `out`: plain unless a person reads it. */
  readonly colors: Colors;
  /** Whether `err` is a terminal on which lines can be drawn again. */
  readonly live: boolean;
  /** Width of the terminal, in characters. */
  readonly columns: () => number;
  /** Its height, in lines; absent where that is not known. */
  readonly rows?: () => number;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const plainWish = (argv: readonly string[], env: NodeJS.ProcessEnv): boolean =>
  argv.includes('--no-color') || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb';

/** The reader has gone away (`| head`), or the terminal was closed. */
const nobodyReads = new Set(['EPIPE', 'EIO']);

/** The process's own terminal. What nobody reads any more is dropped, and the work goes on: a run must not end of it. */
export function processTerminal(argv: readonly string[], env: NodeJS.ProcessEnv): Terminal {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!nobodyReads.has(error.code ?? '')) throw error;
    });
  const forced = (env['FORCE_COLOR'] ?? '') !== '';
  return {
    colors: picocolors.createColors(!plainWish(argv, env) && (process.stdout.isTTY || forced)),
    live: process.stderr.isTTY && env['TERM'] !== 'dumb',
    columns: () => process.stderr.columns,
    rows: () => process.stderr.rows,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
  };
}
