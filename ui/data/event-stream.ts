/** One message of a stream: its name, what it carries as text, and where the stream is after it. */
export interface StreamMessage {
  readonly event: string;
  readonly data: string;
  /** The latest id that was sent; empty without any. */
  readonly id: string;
}

/**
 * Reads server-sent events from text as it arrives (WHATWG HTML, 9.2.6): fields a line, a message up to an empty line.
 * Comments and fields that nobody here asks for are passed over.
 */
export class EventStreamReader {
  private rest = '';
  private event = 'message';
  private data: string[] = [];
  private id = '';

  /** @returns the messages that end in this piece of text. */
  read(piece: string): readonly StreamMessage[] {
    // A line may end in CR LF, and a piece between them: a CR waits for what follows it.
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    return lines.flatMap((line) => this.take(line));
  }

  private take(line: string): StreamMessage[] {
    if (line === '') return this.end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.event = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    return [];
  }

  private end(): StreamMessage[] {
    const { event, data, id } = this;
    this.event = 'message';
    this.data = [];
    return data.length === 0 ? [] : [{ event, data: data.join('\n'), id }];
  }
}
