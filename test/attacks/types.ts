import type { ChildProcess } from 'node:child_process';
import type { TinyNetwork } from '../serve/models.js';
import type { LimitedGroups } from './limited-process.js';
import type { Load } from './normal-load.js';

/** What is attacked: the server of networks, the page, the latency agent, or the server of a run's files. */
export type Kind = 'serve' | 'page' | 'agent' | 'files';

export interface Target {
  readonly port: number;
  readonly token: string;
  /** The route of images, where there is one. */
  readonly images?: '/v1/classify' | '/v1/detect';
  /** The watched folder of the server's models, or the folder of runs that the page shows. */
  readonly folder: string;
}

export interface Attack {
  readonly kind: Kind;
  /** Goes on until its process is ended. */
  readonly run: (target: Target) => Promise<unknown>;
  /** Networks of the server; by default `greyNetworks`. */
  readonly networks?: readonly TinyNetwork[];
  /** Whether the server has a detector instead of these networks. */
  readonly detects?: boolean;
  /** Whether it comes from a thousand addresses. */
  readonly isFromThousand?: boolean;
}

export interface SubjectOptions {
  /** An empty folder. */
  readonly root: string;
  readonly groups: LimitedGroups;
  /** Arguments that start this program again. */
  readonly self: readonly string[];
  readonly networks: Attack['networks'];
  readonly detects: boolean;
}

/** A running process, and its normal load. */
export interface Subject {
  readonly child: ChildProcess;
  readonly target: Target;
  readonly load: Load;
}
