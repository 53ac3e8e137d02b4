/** A fenced block of a Markdown file with its info string: ```sh run, ```yaml file=experiment.yaml. */
export interface Block {
  readonly language: string;
  readonly flags: readonly string[];
  readonly file: string | undefined;
  readonly text: string;
  /** Heading of its section. */
  readonly section: string;
  readonly line: number;
}

/** The fenced blocks of a Markdown file, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let section = '';
  let open: { info: string[]; lines: string[]; line: number } | undefined;
  for (const [i, text] of markdown.split('\n').entries()) {
    const fence = /^```(.*)$/.exec(text);
    if (fence === null) {
      if (open === undefined) section = /^#+ (.*)$/.exec(text)?.[1] ?? section;
      else open.lines.push(text);
    } else if (open === undefined) open = { info: fence[1].trim().split(/\s+/), lines: [], line: i + 1 };
    else {
      const [language, ...flags] = open.info;
      const file = flags.find((flag) => flag.startsWith('file='))?.slice('file='.length);
      blocks.push({ language, flags, file, text: `${open.lines.join('\n')}\n`, section, line: open.line });
      open = undefined;
    }
  }
  return blocks;
}
