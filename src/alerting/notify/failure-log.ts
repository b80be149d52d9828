import type { Logger } from '../../runtime/logger.js';

/** Says once that something fails, however often it is tried, and once that it works again. */
export class FailureLog {
  private isFailing = false;

  constructor(
    private readonly logger: Logger,
    private readonly texts: { readonly fails: string; readonly works: string },
  ) {}

  failed(meta: object): void {
    if (!this.isFailing) this.logger.warn(this.texts.fails, meta);
    this.isFailing = true;
  }

  succeeded(): void {
    if (this.isFailing) this.logger.info(this.texts.works);
    this.isFailing = false;
  }
}
