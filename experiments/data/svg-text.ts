const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** A text for SVG, which has no control characters. */
export const escaped = (text: string): string =>
  text.replaceAll(/\p{Cc}/gu, '\ufffd').replaceAll(/[&<>"]/g, (character) => escapes[character]);
