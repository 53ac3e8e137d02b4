import type { NetworkPart } from '../../experiments/page/api.js';
import { outputText } from './network-parts.js';

/** The largest map and the longest bar of a drawing, px. */
const size = { map: 56, bar: 96 } as const;

/** Extents of maps differ by orders of magnitude: each doubling is as much longer. */
const along = (value: number, most: number): number =>
  6 + (size.map - 6) * (Math.log2(1 + value) / Math.log2(1 + most));

const greatest = (values: readonly number[]): number => values.reduce((most, value) => Math.max(most, value), 1);

/** `3 x 3, stride 2`; nothing for what has no window. */
function windowText({ kernel, stride }: NetworkPart): string {
  if (kernel === null) return '';
  return `${kernel} x ${kernel}${stride === null || stride === 1 ? '' : `, stride ${stride}`}`;
}

/** A share of the whole network in whole percents; what is there is never said to be nothing. */
const shareText = (share: number): string => (share > 0 && share < 0.005 ? '< 1 %' : `${Math.round(100 * share)} %`);

interface Scale {
  readonly rows: number;
  readonly channels: number;
  readonly macs: number;
  readonly mostMacs: number;
}

function Part({ part, scale }: { readonly part: NetworkPart; readonly scale: Scale }) {
  const { name, kind, operation, output, macs } = part;
  const [rows, channels] = output.length === 1 ? [1, output[0]] : [output[0], output[2]];
  const [height, width] = [along(rows, scale.rows), along(channels, scale.channels)];
  const window = windowText(part);
  const share = scale.macs === 0 ? 0 : macs / scale.macs;
  return (
    <li class={`part ${kind}`} title={operation}>
      <b>{name}</b>
      <svg aria-hidden="true" width={size.map} height={size.map} viewBox={`0 0 ${size.map} ${size.map}`}>
        <rect
          class="map"
          x={(size.map - width) / 2}
          y={size.map - height}
          width={width}
          height={height}
          rx={Math.min(3, width / 2)}
        />
      </svg>
      <span class="window">{window === '' ? kind.replaceAll('_', ' ') : window}</span>
      <span>{outputText(part)}</span>
      <svg aria-hidden="true" class="share" width={size.bar} height={6} viewBox={`0 0 ${size.bar} 6`}>
        <rect class="whole" width={size.bar} height={6} rx={3} />
        <rect class="own" width={scale.mostMacs === 0 ? 0 : (size.bar * macs) / scale.mostMacs} height={6} rx={3} />
      </svg>
      <span class="quiet">{shareText(share)} of MACs</span>
    </li>
  );
}

/**
 * A network as people draw it, from its input to its logits: a box is as high as the map that a part gives and as wide
 * as its channels (each doubling alike), the bar beneath as long as the part's MACs, the greatest filling it.
 */
export function NetworkDrawing({ parts }: { readonly parts: readonly NetworkPart[] }) {
  const scale: Scale = {
    rows: greatest(parts.map(({ output }) => (output.length === 1 ? 1 : output[0]))),
    channels: greatest(parts.map(({ output }) => output[output.length - 1])),
    macs: parts.reduce((sum, { macs }) => sum + macs, 0),
    mostMacs: greatest(parts.map(({ macs }) => macs)),
  };
  return (
    <ol class="network" aria-label="The network, from input to logits">
      {parts.map((part) => (
        <Part key={part.name} part={part} scale={scale} />
      ))}
    </ol>
  );
}
