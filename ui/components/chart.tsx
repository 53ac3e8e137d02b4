import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CanvasChart } from '../charts/canvas.js';
import { chartThemes, type ChartTheme } from '../charts/theme.js';
import type { ChartOption } from '../charts/echarts.js';
import type { Zoom } from '../charts/interaction.js';
import { dark } from '../data/theme.js';

export const useChartTheme = (): ChartTheme => (dark.value ? chartThemes.dark : chartThemes.light);

interface ChartProps {
  /** Changes are drawn at most a few times a second. */
  readonly option: ChartOption;
  /** Describes the chart to screen readers. */
  readonly label: string;
  /** The same data as a table, rendered when it is opened. */
  readonly table?: () => ComponentChildren;
  /** px. */
  readonly height?: number;
  /** Gets the `key` of a clicked mark. */
  readonly onPoint?: (key: unknown) => void;
  /** The axes that can be zoomed. A double click resets the view. */
  readonly zoom?: Zoom;
}

const keys: Readonly<Record<string, (chart: CanvasChart) => void>> = {
  '+': (chart) => chart.scale(0.7),
  '=': (chart) => chart.scale(0.7),
  '-': (chart) => chart.scale(1 / 0.7),
  '0': (chart) => chart.reset(),
  Escape: (chart) => chart.reset(),
  ArrowLeft: (chart) => chart.move(-0.2, 0),
  ArrowRight: (chart) => chart.move(0.2, 0),
  ArrowUp: (chart) => chart.move(0, 0.2),
  ArrowDown: (chart) => chart.move(0, -0.2),
};

export function Chart({ option, label, table, height = 420, onPoint, zoom }: ChartProps) {
  const element = useRef<HTMLDivElement>(null);
  const chart = useRef<CanvasChart | null>(null);
  const latest = useRef(onPoint);
  latest.current = onPoint;
  useEffect(() => {
    if (element.current === null) return;
    const made = new CanvasChart(element.current, zoom, (key) => latest.current?.(key));
    chart.current = made;
    return () => {
      chart.current = null;
      made.dispose();
    };
  }, [zoom]);
  useEffect(() => chart.current?.draw(option), [option, zoom]);
  const press = (event: KeyboardEvent): void => {
    const act = zoom === undefined || event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (act === undefined || chart.current === null) return;
    event.preventDefault();
    act(chart.current);
  };
  return (
    <figure class="chart">
      {zoom !== undefined && (
        <div class="chart-buttons" role="group" aria-label={`Zoom: ${label}`} onKeyDown={press}>
          <button type="button" aria-label="Closer" onClick={() => chart.current?.scale(0.7)}>
            +
          </button>
          <button type="button" aria-label="Farther" onClick={() => chart.current?.scale(1 / 0.7)}>
            −
          </button>
          <button type="button" onClick={() => chart.current?.reset()}>
            All
          </button>
        </div>
      )}
      {option.series.some(({ walked }) => walked) && <Walk chart={chart} label={label} />}
      <div ref={element} class="chart-canvas" role="img" aria-label={label} style={{ height: `${height}px` }} />
      {table !== undefined && <ChartTable table={table} />}
    </figure>
  );
}

const steps: Readonly<Record<string, 1 | -1>> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Keyboard access to points: arrows highlight and announce them, Enter opens them. */
function Walk({ chart, label }: { readonly chart: { readonly current: CanvasChart | null }; readonly label: string }) {
  const [announced, setAnnounced] = useState('');
  return (
    <>
      <button
        type="button"
        class="chart-walk"
        aria-label={`Walk along the frontier with the arrow keys, open with Enter. ${label}`}
        onClick={() => chart.current?.open()}
        onBlur={() => chart.current?.leave()}
        onKeyDown={(event) => {
          const by = steps[event.key] as 1 | -1 | undefined;
          if (by === undefined) return;
          event.preventDefault();
          setAnnounced(chart.current?.step(by) ?? '');
        }}
      >
        Arrows: next network. Enter: open.
      </button>
      <p class="chart-said" aria-live="polite">
        {announced}
      </p>
    </>
  );
}

/** The data of a chart as a table, rendered while it is open. */
function ChartTable({ table }: { readonly table: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="chart-table" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Show as table</summary>
      {open && table()}
    </details>
  );
}
