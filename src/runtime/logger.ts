import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import winston from 'winston';

/** ERROR: somebody must act. WARN: heals itself, but worth knowing. INFO: the service's own life. DEBUG: the rest. */
export interface Logger {
  error(message: string, meta?: object): void;
  warn(message: string, meta?: object): void;
  info(message: string, meta?: object): void;
  debug(message: string, meta?: object): void;
}

export interface LogSettings {
  readonly level: string;
  /** Folder for the rotated log file, or null for the console alone. */
  readonly dir: string | null;
  readonly json: boolean;
}

const LOG_FILE_MAX_BYTES = 20 * 1024 * 1024;
const LOG_FILES_KEPT = 5;

/** Errors in the meta become plain objects with their stack: winston would print them as `{}`. */
const expandErrors = winston.format((info) => {
  for (const [key, value] of Object.entries(info)) {
    if (value instanceof Error) info[key] = { name: value.name, message: value.message, stack: value.stack };
  }
  return info;
});

/**
 * Logs to the console (one line of text while developing, JSON in production) and, as JSON, to a rotated
 * `server.log` in `dir`: 5 files of 20 MB at the most.
 */
export function createLogger(settings: LogSettings): Logger {
  const json = winston.format.combine(expandErrors(), winston.format.timestamp(), winston.format.json());
  const text = winston.format.combine(
    expandErrors(),
    winston.format.timestamp(),
    winston.format.printf(({ timestamp, level, message, ...meta }) => {
      const rest = Object.keys(meta).length > 0 ? ` ${JSON.stringify(meta)}` : '';
      return `${String(timestamp)} ${level.toUpperCase().padEnd(5)} ${String(message)}${rest}`;
    }),
  );
  const transports: winston.transport[] = [new winston.transports.Console({ format: settings.json ? json : text })];
  if (settings.dir !== null) {
    mkdirSync(settings.dir, { recursive: true });
    transports.push(
      new winston.transports.File({
        filename: join(settings.dir, 'server.log'),
        format: json,
        maxsize: LOG_FILE_MAX_BYTES,
        maxFiles: LOG_FILES_KEPT,
        tailable: true,
      }),
    );
  }
  return winston.createLogger({ level: settings.level, transports });
}

/** Swallows everything: for tools and tests that look at something else. */
export const silentLogger: Logger = { error() {}, warn() {}, info() {}, debug() {} };
