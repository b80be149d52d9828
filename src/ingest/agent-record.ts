import type { Agent } from '../model/agent.js';
import { LateMark } from './late-batch.js';
import type { SeriesDictionary } from './series-dictionary.js';

/** How the registry reaches an agent over its WebSocket. */
export interface AgentLink {
  /** False when the socket no longer takes frames. */
  send(type: string, data: object): boolean;
  close(code: number, reason: string): void;
}

/** An agent that pushes over HTTP: it is there as long as its pushes keep coming. Times are monotonic. */
export interface HttpPresence {
  lastHeardMs: number;
  /** null: it has only registered so far. */
  lastBatchMs: number | null;
  /** The gap between its last two batches; null until there were two. */
  lastGapMs: number | null;
  /** The longer of the last two gaps: a push that is sent again at once does not make a slow agent look like a quick one. */
  intervalMs: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One incarnation of an agent in memory: what everybody may see of it, and what belongs to its session. */
export class AgentRecord {
  /** Changes in place. Others get it as a readonly Agent. */
  readonly agent: Mutable<Agent>;
  /** The newest WebSocket connection, which owns the agent; null when there is none. */
  link: AgentLink | null = null;
  http: HttpPresence | null = null;
  /** The series of the session; made with the first batch, gone when the agent is. */
  dictionary: SeriesDictionary | null = null;
  /** What came late in this incarnation. */
  late = new LateMark();
  /** Batches of this agent on their way to the disk, over all its connections. */
  queuedBatches = 0;
  /** Frames since the last write-back. */
  unsavedMessages = 0;
  dirty = false;
  /** The agent was deleted: this record is nobody's any more. */
  deleted = false;
  /** When listeners were last told of mere activity, and when a change of health was last noted. Monotonic. */
  announcedMs = Number.NEGATIVE_INFINITY;
  healthNotedMs = Number.NEGATIVE_INFINITY;

  constructor(agent: Agent) {
    this.agent = { ...agent, status: 'disconnected' };
  }

  get connected(): boolean {
    return this.link !== null || this.http !== null;
  }
}
