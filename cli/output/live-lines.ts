import type { Terminal } from './terminal.js';

/** Lines at the bottom of a terminal that are redrawn; permanent lines scroll above them. */
export class LiveLines {
  private drawn = 0;

  constructor(private readonly terminal: Pick<Terminal, 'err' | 'columns'>) {}

  /** @param above permanent text, with its line break */
  draw(above: string, lines: readonly string[]): void {
    const width = Math.max(20, this.terminal.columns() || 80) - 1;
    this.terminal.err(`${this.erase()}${above}${lines.map((line) => `${line.slice(0, width)}\n`).join('')}`);
    this.drawn = lines.length;
  }

  close(): void {
    this.terminal.err(this.erase());
    this.drawn = 0;
  }

  private erase(): string {
    return this.drawn === 0 ? '' : `\u001b[${this.drawn}A\u001b[J`;
  }
}
