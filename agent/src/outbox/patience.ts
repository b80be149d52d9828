/** How long an answer may take. What the server configures is for good days; on bad ones it must not have its agents make them worse. */

/** What the server may configure. */
export interface RetryConfig {
  readonly retryAttempts: number;
  readonly retryDelayMs: number;
}

/** What holds whatever is configured. */
export interface Patience {
  /** A batch is never sent again sooner. */
  readonly minTimeoutMs: number;
  /** Nor is an answer waited for longer, however often the batch was sent. */
  readonly maxTimeoutMs: number;
  /** A connection is not given up sooner over a batch without an answer, counted from when it was sent first. */
  readonly giveUpMs: number;
}

export const DEFAULT_PATIENCE: Patience = { minTimeoutMs: 5_000, maxTimeoutMs: 60_000, giveUpMs: 60_000 };

/** How long the answer to a batch may take that was sent again so often: twice as long each time. */
export function answerTimeoutMs({ retryDelayMs }: RetryConfig, resends: number, { minTimeoutMs, maxTimeoutMs }: Patience): number {
  return Math.min(Math.max(retryDelayMs, minTimeoutMs) * 2 ** resends, maxTimeoutMs);
}
