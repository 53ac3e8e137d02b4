/**
 * The lines at which the elements of a list begin, in the JSON text of an object that has the list under a key; empty without
 * such a list.
 */
export function elementLines(text: string, key: string): number[] {
  const lines: number[] = [];
  // The key before the value that begins, at the depth of the object's own keys.
  let [line, depth, name, inList, isNext] = [1, 0, '', false, false];
  for (let i = 0; i < text.length; i++) {
    const sign = text[i];
    if (sign === '\n') line++;
    if (/[\s:]/.test(sign)) continue;
    if (isNext && sign !== ']') lines.push(line);
    isNext = false;
    if (sign === '"') {
      const start = i + 1;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      if (depth === 1) name = text.slice(start, i);
    } else if (sign === '{' || sign === '[') {
      depth++;
      if (depth === 2 && sign === '[' && name === key) isNext = inList = true;
    } else if (sign === '}' || sign === ']') {
      if (--depth === 1) inList = false;
    } else if (sign === ',' && depth === 2 && inList) isNext = true;
  }
  return lines;
}

/** The line of a message of `JSON.parse`, which names a position or shows the signs around it. */
export function lineOfSyntaxError(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  const around = /^Unexpected token .*?, (?:\.\.\.)?"([\s\S]*)"(?:\.\.\.)? is not valid JSON$/.exec(message)?.[1];
  const at = position !== undefined ? Number(position) : around !== undefined ? text.indexOf(around) : text.length;
  // The sign itself follows ten others in a part of the text.
  return text.slice(0, Math.max(0, at) + (message.includes('..."') ? 10 : 0)).split('\n').length;
}
