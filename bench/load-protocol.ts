/**
 * What the bench asks of its load processes, and what they answer. One request at a time, over the IPC channel of
 * `child_process.fork` with `serialization: 'advanced'`, so that typed arrays travel as they are.
 */
import type { History } from './fleet.js';

export interface ConnectRequest {
  readonly kind: 'connect';
  readonly host: string;
  readonly port: number;
  readonly firstAgent: number;
  readonly agents: number;
  /** Upgrades under way at once. */
  readonly concurrency: number;
  readonly history: History;
  readonly fragmentBytes: number;
}

export type LoadRequest =
  | ConnectRequest
  /** Every agent keeps `inFlight` batches unacknowledged, until `drain`. */
  | { readonly kind: 'closedLoop'; readonly inFlight: number }
  /** Ends a window of measurement and begins the next one. */
  | { readonly kind: 'mark' }
  /** Sends nothing new and waits for the acknowledgements that are due. */
  | { readonly kind: 'drain' }
  /** Sends on a fixed schedule, round robin over the agents; answers when the last batch is acknowledged. */
  | { readonly kind: 'openLoop'; readonly batchesPerSecond: number; readonly warmUpSeconds: number; readonly seconds: number }
  /** Drops every connection and connects them all again at once; a refused one tries again after a second. */
  | { readonly kind: 'storm' }
  | { readonly kind: 'disconnect' };

export interface ConnectedAnswer {
  /** From the request to the last registration_ack. */
  readonly elapsedMs: number;
  /** Attempts that did not end in a registration. */
  readonly refusals: number;
  readonly firstRefusal: string | null;
  /** From an agent's first attempt to its registration_ack. */
  readonly waitsMs: Float64Array;
}

export interface WindowAnswer {
  readonly elapsedMs: number;
  readonly batches: number;
  readonly samples: number;
  /** From sending (closed loop) or from the scheduled time (open loop) to the acknowledgement. */
  readonly latenciesMs: Float64Array;
}

export interface OpenLoopAnswer extends WindowAnswer {
  /** How late the generator itself was, batch by batch; contained in the latencies. */
  readonly latenessMs: Float64Array;
  /** Batches whose acknowledgement was still due when the schedule ended. */
  readonly unacknowledgedAtEnd: number;
}

export interface LoadAnswers {
  connect: ConnectedAnswer;
  closedLoop: null;
  mark: WindowAnswer;
  drain: null;
  openLoop: OpenLoopAnswer;
  storm: ConnectedAnswer;
  disconnect: null;
}

export type ProbeRequest =
  | { readonly kind: 'start'; readonly host: string; readonly port: number; readonly intervalMs: number }
  | { readonly kind: 'stop' };

export interface ProbeAnswers {
  start: null;
  stop: { readonly latenciesMs: Float64Array; readonly failures: number; readonly firstFailure: string };
}

/** Parent → child. */
export interface Envelope<Request> {
  readonly id: number;
  readonly request: Request;
}

/** Child → parent. `fatal` comes unasked and means that the run is worth nothing. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly fatal: string };
