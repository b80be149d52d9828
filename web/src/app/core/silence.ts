/**
 * Whether somebody who has not been heard of for a while is still there. A connection that the network forgot looks as if nothing
 * happened: it has to be asked. Times are of a clock that only goes forward, in milliseconds. Pure.
 */

/** After so much silence it is asked; a live fleet is seldom this quiet. */
export const QUIET_MS = 30_000;
/** An answer takes no longer. */
export const ANSWER_MS = 10_000;

export class Silence {
  private heardAtMs = 0;
  private askedAtMs: number | null = null;

  heard(nowMs: number): void {
    this.heardAtMs = nowMs;
    this.askedAtMs = null;
  }

  /** To be called every few seconds. `ask`: the question is to be sent now. `gone`: there was no answer. */
  look(nowMs: number): 'fine' | 'ask' | 'gone' {
    if (this.askedAtMs !== null) return nowMs - this.askedAtMs >= ANSWER_MS ? 'gone' : 'fine';
    if (nowMs - this.heardAtMs < QUIET_MS) return 'fine';
    this.askedAtMs = nowMs;
    return 'ask';
  }
}
