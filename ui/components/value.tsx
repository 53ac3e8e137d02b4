import type { Certainty, MeasureText } from '../../reports/page/api.js';
import { hoverOf, textWithError } from '../data/measures.js';
import { Tag } from './elements.js';

interface ValueProps {
  readonly measures: Readonly<Record<string, MeasureText>>;
  readonly name: string;
  readonly value: number | null | undefined;
  readonly certainty: Certainty | null | undefined;
  readonly provenance?: string | null | undefined;
}

/** A value with its standard error; a tag says where a latency is from. Its interval, and why it is not reliable, appear on hover. */
export function Value({ measures, name, value, certainty, provenance }: ValueProps) {
  const isUnreliable = certainty?.unreliable !== undefined;
  const tag = isUnreliable ? 'unreliable' : name === 'latency_ms' ? provenance : undefined;
  return (
    <span class="value" title={hoverOf(measures, name, certainty)}>
      {textWithError(measures, name, value, certainty)}
      {tag !== undefined && tag !== null && (
        <>
          {' '}
          <Tag text={tag} />
        </>
      )}
    </span>
  );
}
