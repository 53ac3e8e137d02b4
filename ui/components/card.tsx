import type { ComponentChildren } from 'preact';

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
