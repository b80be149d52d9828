import type { Logger } from '../model.js';

const MAX_KINDS = 200;

/** What a thousand agents log, told once per kind of trouble: by its message and its reason. The rest is counted. */
export class TallyLogger implements Logger {
  private readonly kinds = new Set<string>();
  private warnings = 0;
  private errors = 0;

  /** @param logger where the first of each kind goes */
  constructor(private readonly logger: Logger) {}

  get counts(): { readonly warnings: number; readonly errors: number } {
    return { warnings: this.warnings, errors: this.errors };
  }

  error(message: string, details: object = {}): void {
    this.errors += 1;
    if (this.isNew(message, details)) this.logger.error(message, details);
  }

  warn(message: string, details: object = {}): void {
    this.warnings += 1;
    if (this.isNew(message, details)) this.logger.warn(message, details);
  }

  info(): void {
    // That an agent connects is nothing to tell of a thousand.
  }

  debug(): void {
    // As above.
  }

  private isNew(message: string, details: { readonly reason?: unknown; readonly code?: unknown }): boolean {
    const kind = JSON.stringify([message, details.code, details.reason]);
    if (this.kinds.has(kind) || this.kinds.size >= MAX_KINDS) return false;
    this.kinds.add(kind);
    return true;
  }
}
