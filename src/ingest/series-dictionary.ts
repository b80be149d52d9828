/**
 * The series of one agent, as its session knows them: from what a metric says of itself to the id it has on disk.
 *
 * An agent sends the same series in the same order, cycle after cycle. So every entry remembers which one came
 * after it last time, and the decoder compares a metric with that one by value: no key is built, nothing is
 * sorted. Only a miss goes to the Map, by canonical identity. (Rejected, measured: a Map look-up for every metric
 * costs 40 µs a batch of 100, six times the comparison.)
 *
 * Invariants: an id is only ever one that storage answered after its commit; an entry without an id lives no
 * longer than the batches that brought it, so the size is bounded by the agent's series limit and its queue.
 */
import { canonicalTags, type MetricType, type Tags } from '../model/metric.js';
import { FrameMemory } from './templates/frame-memory.js';
import type { MetricTemplate } from './templates/metric-template.js';

/** One series. `id` is 0 until storage gave it one. */
export class SeriesEntry {
  id = 0;
  /** The entry that followed this one last time. */
  next: SeriesEntry | null = null;
  /** The batch that last brought this entry as new, and its reference there. */
  mark = 0;
  ref = 0;
  /** No longer in the dictionary: a prediction that leads here is a miss. */
  forgotten = false;
  /** The bytes of its metrics that stay the same; null when they have no such form, undefined until one was seen. */
  template: MetricTemplate | null | undefined = undefined;

  constructor(
    readonly name: string,
    readonly type: MetricType,
    readonly unit: string | null,
    /** Keys and values in turn, in the order they were sent. */
    readonly tags: readonly string[],
    readonly tagsJson: string,
  ) {}
}

const NO_TAGS: readonly string[] = Object.freeze([]);

/** Longer strings are nobody else's, and would be kept for ever. */
const MAX_SHARED_LENGTH = 256;

/** Shares equal short strings between agents: ten thousand agents send the same few dozen names. Full means: not shared. */
export class StringPool {
  private readonly strings = new Map<string, string>();

  constructor(private readonly maxStrings: number) {}

  intern(text: string): string {
    const known = this.strings.get(text);
    if (known !== undefined) return known;
    if (this.strings.size < this.maxStrings && text.length <= MAX_SHARED_LENGTH) this.strings.set(text, text);
    return text;
  }
}

export class SeriesDictionary {
  /** Stands before the first entry, so that there is always one to ask for its successor. */
  private readonly root = new SeriesEntry('', 'gauge', null, NO_TAGS, '{}');
  private readonly entries = new Map<string, SeriesEntry>();
  private marks = 0;
  /** The entry of the last metric: batches split cycles anywhere, so prediction goes on where it stopped. */
  last: SeriesEntry = this.root;
  /** What else is remembered of the agent's frames. */
  readonly memory = new FrameMemory();

  constructor(private readonly pool: StringPool) {}

  get size(): number {
    return this.entries.size;
  }

  /** A number that no earlier batch had, to tell its new series from those of others. */
  nextMark(): number {
    return ++this.marks;
  }

  /** The entry of an identity that was checked before; a new one is remembered at once, without an id. */
  findOrAdd(name: string, type: MetricType, unit: string | null, tags: Tags | null): SeriesEntry {
    const tagsJson = canonicalTags(tags);
    const key = identityKey(name, type, unit, tagsJson);
    const known = this.entries.get(key);
    if (known !== undefined) return known;
    const entry = new SeriesEntry(
      this.pool.intern(name),
      type,
      unit === null ? null : this.pool.intern(unit),
      flatTags(tags),
      this.pool.intern(tagsJson),
    );
    this.entries.set(key, entry);
    return entry;
  }

  /** Storage has this series under `id`. */
  learn(entry: SeriesEntry, id: number): void {
    entry.id = id;
    if (entry.forgotten) this.restore(entry);
  }

  /** Storage did not take this series, or nobody knows whether it did: the next metric of it starts afresh. */
  forget(entry: SeriesEntry): void {
    if (entry.id !== 0 || entry.forgotten) return;
    const key = identityKey(entry.name, entry.type, entry.unit, entry.tagsJson);
    if (this.entries.get(key) === entry) this.entries.delete(key);
    entry.forgotten = true;
    // Cut, so that forgotten entries cannot hold each other in memory in a long chain.
    entry.next = null;
    if (this.last === entry) this.last = this.root;
  }

  private restore(entry: SeriesEntry): void {
    const key = identityKey(entry.name, entry.type, entry.unit, entry.tagsJson);
    if (this.entries.has(key)) return;
    this.entries.set(key, entry);
    entry.forgotten = false;
  }
}

/** Unambiguous: JSON ends with its brace, a type has no space, and names and units have no line breaks. */
function identityKey(name: string, type: MetricType, unit: string | null, tagsJson: string): string {
  return `${tagsJson}${type} ${unit ?? ''}\n${name}`;
}

function flatTags(tags: Tags | null): readonly string[] {
  if (tags === null) return NO_TAGS;
  const flat: string[] = [];
  for (const key of Object.keys(tags)) flat.push(key, tags[key] as string);
  return flat.length === 0 ? NO_TAGS : flat;
}
