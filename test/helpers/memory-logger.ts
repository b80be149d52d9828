import type { Logger } from '../../src/runtime/logger.js';

export interface LogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly meta: Readonly<Record<string, unknown>>;
}

/** Keeps what was logged, so that a test can look at it. */
export class MemoryLogger implements Logger {
  readonly entries: LogEntry[] = [];

  error(message: string, meta: object = {}): void {
    this.entries.push({ level: 'error', message, meta: { ...meta } });
  }

  warn(message: string, meta: object = {}): void {
    this.entries.push({ level: 'warn', message, meta: { ...meta } });
  }

  info(message: string, meta: object = {}): void {
    this.entries.push({ level: 'info', message, meta: { ...meta } });
  }

  debug(message: string, meta: object = {}): void {
    this.entries.push({ level: 'debug', message, meta: { ...meta } });
  }

  of(level: LogEntry['level']): LogEntry[] {
    return this.entries.filter((entry) => entry.level === level);
  }
}
