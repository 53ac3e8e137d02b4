/** An address with what stands behind its question mark; what is undefined does not. Commas stay as they are, to be read. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const asked = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  return asked.length === 0 ? path : `${path}?${new URLSearchParams(asked).toString().replaceAll('%2C', ',')}`;
}
