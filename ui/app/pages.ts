import type { ComponentType } from 'preact';
import { lazy } from 'preact-iso';
import { NotLoaded } from '../components/not-loaded.js';
import { RunsPage } from '../pages/runs/runs-page.js';

/** A page: its address, in which `:run` and `:trial` stand for a run's id and a trial's number, and what it shows. */
export interface Page {
  readonly path: string;
  /** What the window is called; `parameters` are those of the address. */
  readonly title: (parameters: Readonly<Record<string, string>>) => string;
  /** In the navigation of a run; absent: reached from other pages. */
  readonly tab?: string;
  readonly component: ComponentType;
}

/** Loads a page when it is first opened. */
const later = (load: () => Promise<{ readonly default: ComponentType }>): ComponentType =>
  lazy(() => load().catch(() => ({ default: NotLoaded })));

const ofRun = (path: string, tab: string, load: () => Promise<{ readonly default: ComponentType }>): Page => ({
  path: `/runs/:run${path}`,
  tab,
  title: () => tab,
  component: later(load),
});

/** All pages; those of a run stand in the order of its tabs. */
export const pages: readonly Page[] = [
  { path: '/', title: () => 'Runs', component: RunsPage },
  {
    path: '/compare',
    title: () => 'Compare runs',
    component: later(() => import('../pages/compare/compare-runs-page.js')),
  },
  ofRun('', 'Frontier', () => import('../pages/run/run-page.js')),
  ofRun('/trials', 'Trials', () => import('../pages/trials/trials-page.js')),
  {
    path: '/runs/:run/trials/:trial',
    title: ({ trial }) => `Trial ${trial}`,
    component: later(() => import('../pages/trial/trial-page.js')),
  },
  ofRun('/compare', 'Compare', () => import('../pages/compare/compare-trials-page.js')),
  ofRun('/importance', 'What matters', () => import('../pages/importance/importance-page.js')),
  ofRun('/latency', 'Latency model', () => import('../pages/latency/latency-page.js')),
  ofRun('/provenance', 'Provenance', () => import('../pages/provenance/provenance-page.js')),
];
