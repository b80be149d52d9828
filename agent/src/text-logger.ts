import type { Clock, Logger } from './model.js';

const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface TextLoggerOptions {
  /** Messages below it are left out. */
  readonly level: LogLevel;
  /** Takes one line, with its end. */
  readonly write: (line: string) => void;
  readonly clock: Clock;
}

const MAX_VALUE_LENGTH = 500;

/** One line of plain text per message: time, level, message, details as `key=value`. */
export class TextLogger implements Logger {
  constructor(private readonly options: TextLoggerOptions) {}

  error(message: string, details?: object): void {
    this.log('error', message, details);
  }

  warn(message: string, details?: object): void {
    this.log('warn', message, details);
  }

  info(message: string, details?: object): void {
    this.log('info', message, details);
  }

  debug(message: string, details?: object): void {
    this.log('debug', message, details);
  }

  private log(level: LogLevel, message: string, details: object = {}): void {
    if (LEVELS.indexOf(level) > LEVELS.indexOf(this.options.level)) return;
    const time = new Date(this.options.clock.nowMs()).toISOString();
    const parts = Object.entries(details)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => ` ${key}=${shown(value)}`);
    this.options.write(`${time} ${level.toUpperCase().padEnd(5)} ${oneLine(message)}${parts.join('')}\n`);
  }
}

function shown(value: unknown): string {
  const text = textOf(value);
  const cut = text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
  // What holds blanks, quotes or control characters is quoted, so that a line stays one line and its parts can be told apart.
  return /^[^\s"\p{Cc}]+$/u.test(cut) ? cut : JSON.stringify(cut);
}

function textOf(value: unknown): string {
  if (value instanceof Error) return value.message;
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? String(value);
}

function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ');
}
