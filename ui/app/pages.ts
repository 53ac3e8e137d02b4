import type { ComponentType } from 'preact';
import { lazy } from 'preact-iso';
import { NotLoaded } from '../components/not-loaded.js';
import { RunsPage } from '../pages/runs/runs-page.js';
import { pageView, type PageTitle } from './page-view.js';

/** A page: its address, in which `:run` and `:trial` stand for a run's id and a trial's number, and what it shows. */
export interface Page {
  readonly path: string;
  /** In the navigation of a run; absent: reached from other pages. */
  readonly tab?: string;
  readonly component: ComponentType;
}

type Load = () => Promise<{ readonly default: ComponentType }>;

/** A page that is loaded when it is first opened. */
const later = (title: PageTitle, load: Load): ComponentType =>
  lazy<ComponentType>(() =>
    load().then(
      ({ default: Content }) => ({ default: pageView(title, Content) }),
      () => ({ default: NotLoaded }),
    ),
  );

const ofRun = (path: string, tab: string, load: Load): Page => ({
  path: `/runs/:run${path}`,
  tab,
  component: later(() => tab, load),
});

/** All pages; those of a run stand in the order of its tabs. */
export const pages: readonly Page[] = [
  { path: '/', component: pageView(() => 'Runs', RunsPage) },
  {
    path: '/compare',
    component: later(
      () => 'Compare runs',
      () => import('../pages/compare/compare-runs-page.js'),
    ),
  },
  ofRun('', 'Frontier', () => import('../pages/run/run-page.js')),
  ofRun('/trials', 'Trials', () => import('../pages/trials/trials-page.js')),
  {
    path: '/runs/:run/trials/:trial',
    component: later(
      ({ trial }) => `Trial ${trial}`,
      () => import('../pages/trial/trial-page.js'),
    ),
  },
  ofRun('/compare', 'Compare', () => import('../pages/compare/compare-trials-page.js')),
  ofRun('/importance', 'What matters', () => import('../pages/importance/importance-page.js')),
  ofRun('/latency', 'Latency model', () => import('../pages/latency/latency-page.js')),
  ofRun('/provenance', 'Provenance', () => import('../pages/provenance/provenance-page.js')),
];
