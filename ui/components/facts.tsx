import { Fragment, type ComponentChildren } from 'preact';

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
