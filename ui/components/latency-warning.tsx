import type { LatencyWarning as Warning } from '../../reports/page/api.js';
import { CommandLine } from './elements.js';

/** A banner for latencies that cannot be trusted, with the command that measures the frontier again; nothing for null. */
export function LatencyWarning({ warning }: { readonly warning: Warning | null }) {
  if (warning === null) return null;
  const { measured, unreliable, members, reason, command } = warning;
  const found = `${unreliable} of ${measured} measured latencies ${unreliable === 1 ? 'is' : 'are'} not reliable (${reason}); their marks are dashed.`;
  if (members === 0) return <p class="note">{found} None of them is on the frontier.</p>;
  return (
    <div class="banner latency-warning">
      <p>
        {found} {members} of them {members === 1 ? 'is' : 'are'} on the frontier. On a quiet machine, measure it again,
        side by side:
      </p>
      <p class="command">
        <CommandLine line={command} label="the command" />
      </p>
    </div>
  );
}
