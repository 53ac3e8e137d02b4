/** A word in a coloured box; colours of those that are known repeat what they say: `measured`, `predicted`, `failed`. */
export function Tag({ text }: { readonly text: string }) {
  return <span class={`tag ${kinds.has(text) ? text : ''}`.trim()}>{text}</span>;
}

const kinds = new Set(['measured', 'predicted', 'computed', 'failed']);
