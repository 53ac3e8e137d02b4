import type { Choice } from '../../experiments/page/api.js';
import { Facts } from './facts.js';

/** What was chosen for each decision of the space. */
export function Decisions({ choices }: { readonly choices: Readonly<Record<string, Choice>> }) {
  return <Facts entries={Object.entries(choices).map(([name, choice]) => [name, String(choice)] as const)} />;
}
