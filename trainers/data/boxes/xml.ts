import { wrong } from './raw.js';

/** An element of an XML file; attributes are left out. */
export interface Element {
  readonly name: string;
  readonly line: number;
  /** Its own text, trimmed. */
  readonly text: string;
  readonly children: readonly Element[];
}

interface Open extends Element {
  text: string;
  readonly children: Element[];
}

const hint = 'Export the annotations again, or correct the line.';
const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<(\/?)([\w:.-]+)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|[^<]+|</g;
const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/**
 * Reads the elements of an XML file: no document types, no entities but the five of XML and numbers.
 * @throws NasError `invalid-input` with the line where it is none
 */
export function readXml(name: string, source: string): Element {
  const root: Open = { name: '', line: 1, text: '', children: [] };
  const stack: Open[] = [root];
  let line = 1;
  const at = (): string => `${name}, line ${line}`;
  const text = source.replace(/^\ufeff/, '');
  for (const found of text.matchAll(token)) {
    const [all, data, closing, tag, , empty] = found as unknown as [string, ...(string | undefined)[]];
    const top = stack[stack.length - 1];
    if (all === '<') {
      const shown = JSON.stringify(text.split('\n')[line - 1].trim().slice(0, 60));
      throw wrong(at(), `${shown} is no tag of XML that can be read`, hint);
    }
    if (data !== undefined) top.text += data;
    else if (tag === undefined) {
      if (!all.startsWith('<')) top.text += decoded(all, at());
    } else if (closing !== '') {
      if (tag !== top.name || stack.length === 1)
        throw wrong(
          at(),
          `</${tag}> closes ${top.name === '' ? 'nothing' : `<${top.name}> of line ${top.line}`}`,
          hint,
        );
      top.text = top.text.trim();
      stack.pop();
    } else {
      const element: Open = { name: tag, line, text: '', children: [] };
      top.children.push(element);
      if (empty === '') stack.push(element);
    }
    for (let i = all.indexOf('\n'); i >= 0; i = all.indexOf('\n', i + 1)) line++;
  }
  const last = stack[stack.length - 1];
  if (last !== root) throw wrong(`${name}, line ${last.line}`, `<${last.name}> is not closed: the file ends`, hint);
  if (root.children.length !== 1 || root.text.trim() !== '')
    throw wrong(`${name}, line 1`, 'expected one XML element, such as <annotation>', hint);
  return root.children[0];
}

function decoded(text: string, where: string): string {
  return text.replaceAll(/&(#x[0-9a-f]{1,6}|#\d{1,7}|\w+)?;?/gi, (all, name: string | undefined) => {
    const code = name?.startsWith('#') === true ? Number(name.slice(1).replace(/^x/i, '0x')) : null;
    const character = code === null ? entities[name ?? ''] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
    if (character !== undefined && all.endsWith(';')) return character;
    throw wrong(where, `${all} is no entity of XML`, 'Write & as &amp;.');
  });
}
