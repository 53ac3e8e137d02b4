import { count } from '../../base/number-text.js';
import type { NetworkPart } from '../../experiments/page/api.js';
import { Table, type Column } from './table.js';

/** What a part gives: `14 x 14 x 40`, `10 logits`. */
export const outputText = ({ kind, output }: Pick<NetworkPart, 'kind' | 'output'>): string =>
  kind === 'head' ? `${output.join()} logits` : output.join(' x ');

const columns: readonly Column<NetworkPart>[] = [
  { title: 'part', heading: true, cell: ({ name }) => name },
  { title: 'operation', cell: ({ operation }) => operation },
  { title: 'output', numeric: true, cell: outputText },
  { title: 'MACs', numeric: true, cell: ({ macs }) => count(macs) },
  { title: 'parameters', numeric: true, cell: ({ params }) => count(params) },
];

/** The parts of a network with what each costs. */
export function NetworkParts({ parts }: { readonly parts: readonly NetworkPart[] }) {
  return <Table columns={columns} rows={parts} label="Parts of the network" />;
}
