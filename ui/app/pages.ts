import type { ComponentType } from 'preact';
import { lazy } from 'preact-iso';
import { RunsPage } from '../pages/runs/runs-page.js';

/** A page: its address, in which `:run` and `:trial` stand for a run's id and a trial's number, and what it shows. */
export interface Page {
  readonly path: string;
  /** In the navigation of a run; absent: reached from other pages. */
  readonly tab?: string;
  readonly component: ComponentType;
}

/** All pages; those of a run stand in the order of its tabs. Pages are loaded when they are first opened. */
export const pages: readonly Page[] = [
  { path: '/', component: RunsPage },
  { path: '/compare', component: lazy(() => import('../pages/compare/compare-runs-page.js')) },
  { path: '/runs/:run', tab: 'Frontier', component: lazy(() => import('../pages/run/run-page.js')) },
  { path: '/runs/:run/trials', tab: 'Trials', component: lazy(() => import('../pages/trials/trials-page.js')) },
  { path: '/runs/:run/trials/:trial', component: lazy(() => import('../pages/trial/trial-page.js')) },
  {
    path: '/runs/:run/compare',
    tab: 'Compare',
    component: lazy(() => import('../pages/compare/compare-trials-page.js')),
  },
  {
    path: '/runs/:run/importance',
    tab: 'What matters',
    component: lazy(() => import('../pages/importance/importance-page.js')),
  },
  {
    path: '/runs/:run/latency',
    tab: 'Latency model',
    component: lazy(() => import('../pages/latency/latency-page.js')),
  },
  {
    path: '/runs/:run/provenance',
    tab: 'Provenance',
    component: lazy(() => import('../pages/provenance/provenance-page.js')),
  },
];
