import { type ComponentChildren, Fragment } from 'preact';
import type { Choice } from '../../experiments/page/api.js';
import { useEffect, useState } from 'preact/hooks';

interface CardProps {
  readonly id?: string;
  readonly title: ComponentChildren;
  /** Beside the title. */
  readonly summary?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** Something that is folded until it is asked for. */
export function Card({ id, title, summary, children }: CardProps) {
  return (
    <details class="card" id={id}>
      <summary>
        {title}
        {summary !== undefined && <span>{summary}</span>}
      </summary>
      {children}
    </details>
  );
}

export type Fact = readonly [name: string, value: ComponentChildren];

/** Names and values, one a line. */
export function Facts({ entries }: { readonly entries: readonly Fact[] }) {
  return (
    <dl class="facts">
      {entries.map(([name, value], i) => (
        <Fragment key={i}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}

/** What was chosen for each decision of the space. */
export function Decisions({ choices }: { readonly choices: Readonly<Record<string, Choice>> }) {
  return <Facts entries={Object.entries(choices).map(([name, choice]) => [name, String(choice)] as const)} />;
}

/** A number that people look at first, and what it is. */
export interface TileText {
  readonly value: string;
  readonly label: string;
}

export function Tiles({ tiles }: { readonly tiles: readonly TileText[] }) {
  return (
    <div class="tiles">
      {tiles.map(({ value, label }) => (
        <div key={label} class="tile">
          <b>{value}</b>
          <span>{label}</span>
        </div>
      ))}
    </div>
  );
}

/** A word in a coloured box; colours of those that are known repeat what they say: `measured`, `predicted`, `failed`. */
export function Tag({ text }: { readonly text: string }) {
  return <span class={`tag ${kinds.has(text) ? text : ''}`.trim()}>{text}</span>;
}

const kinds = new Set(['measured', 'predicted', 'computed', 'failed']);

/** A moment in the time of this place, as it sorts: `2026-11-27 05:31:07`. */
export function Time({ at }: { /** In ms since 1970. */ readonly at: number }) {
  const date = new Date(at);
  // Swedes write dates so.
  return <time dateTime={date.toISOString()}>{date.toLocaleString('sv-SE')}</time>;
}

interface Props {
  readonly text: string;
  /** What is copied, for those who do not see where the button stands. */
  readonly label: string;
}

/** Puts a text on the clipboard; not there where the browser has none for this page (without TLS, beyond loopback). */
export function CopyButton({ text, label }: Props) {
  const [said, setSaid] = useState<string | null>(null);
  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  if (!isSecureContext) return null;
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setSaid('Copied'),
      () => setSaid('Not allowed'),
    );
  return (
    <button type="button" aria-label={`Copy ${label}`} onClick={() => void copy()}>
      <span aria-live="polite">{said ?? 'Copy'}</span>
    </button>
  );
}
