import type { AlertRule } from '../model/alert.js';

type Kind = AlertRule['subject']['kind'];

/** Of all places. What is left is for rules about agents: that one is down must not be kept back by what others measure. */
const MOST_OF_METRICS = 0.9;
/** So that one rule with a wrong threshold, or about what comes and goes, leaves room for others. */
const MOST_OF_ONE = 0.25;

/** How many alerts there may be at once, and how many of them rules have taken. Those about agents may take all there are. */
export class Places {
  private taken = 0;
  private ofMetrics = 0;

  constructor(private readonly most: number) {}

  /** So many more alerts, or fewer. */
  take(kind: Kind, count: number): void {
    this.taken += count;
    if (kind === 'metric') this.ofMetrics += count;
  }

  /** How many more a rule may have that has so many. */
  roomFor(kind: Kind, own: number): number {
    const { most } = this;
    const left = most - this.taken;
    if (kind === 'agent') return Math.max(left, 0);
    const ofMetrics = Math.floor(most * MOST_OF_METRICS) - this.ofMetrics;
    return Math.max(Math.min(left, ofMetrics, Math.floor(most * MOST_OF_ONE) - own), 0);
  }
}
