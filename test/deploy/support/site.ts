import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance } from 'fastify';
import { chromium, type Browser, type Page } from 'playwright-core';
import { lightExecutable } from '../../support/browser.js';

const args = ['--use-fake-device-for-media-stream=device-count=2', '--use-fake-ui-for-media-stream'];

/** A folder that is served, and a browser with two cameras to visit it. */
export class Site {
  /** What pages have complained of. */
  readonly problems: string[] = [];
  /** Paths that were asked for. */
  readonly requested: string[] = [];
  address = '';
  private server: FastifyInstance = fastify();

  private constructor(
    private readonly folder: string,
    readonly browser: Browser,
  ) {}

  static async start(folder: string): Promise<Site> {
    const site = new Site(
      folder,
      await chromium.launch({ executablePath: lightExecutable ?? '', headless: true, args }),
    );
    await site.serve(0);
    return site;
  }

  async serve(port: number): Promise<void> {
    this.server = fastify({ forceCloseConnections: true });
    this.server.addHook('onRequest', ({ url }, _reply, done) => {
      this.requested.push(url);
      done();
    });
    await this.server.register(fastifyStatic, { root: this.folder, preCompressed: true });
    this.address = await this.server.listen({ host: '127.0.0.1', port });
  }

  /** A page of its own, without a cache. */
  async open(): Promise<Page> {
    const page = await (await this.browser.newContext()).newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.problems.push(message.text());
    });
    page.on('pageerror', (error) => this.problems.push(String(error)));
    await page.goto(this.address);
    return page;
  }

  readonly stopServing = () => this.server.close();

  async stop(): Promise<void> {
    await this.browser.close();
    await this.stopServing();
  }
}

/** Waits for a status. */
export const status = (page: Page, hasText: string | RegExp): Promise<void> =>
  page.getByRole('status').filter({ hasText }).waitFor();

export const choose = (page: Page, buffer: Buffer, name = 'image.png'): Promise<void> =>
  page.getByLabel('An image').setInputFiles({ name, mimeType: 'image/png', buffer });
