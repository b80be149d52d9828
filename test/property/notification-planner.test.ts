import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pieces } from '../../src/alerting/notify/pieces.js';
import { plan } from '../../src/alerting/notify/planner.js';
import type { Alert, Channel, NotificationGroup } from '../../src/model/alert.js';
import { alertOf, channelOf, keepGroups, resolvedOf } from '../helpers/alerts.js';

/**
 * The planner against what people expect of it, through random lives of alerts, silences, acknowledgements and restarts:
 * a slow, obvious account of every alert that says when it must have been told, and how often it may have been; and a receiver
 * that knows alerts by their labels and believes what it read last.
 */

const WAIT = 5;
const INTERVAL = 20;
const REPEAT = 60;
/** Alerts of one group, by name. */
const NAMES = ['a1', 'a2', 'a3', 'b1'];
const END = 600;

type Step = { readonly after: number; readonly name: string; readonly what: 'toggle' | 'silence' | 'acknowledge' | 'restart' };

interface Life {
  readonly id: string;
  readonly name: string;
  readonly group: string;
  firing: number[];
  over: number | null;
  resolvedTold: number[];
  /** For how long it has been neither silenced nor acknowledged without a break. */
  audibleSince: number | null;
  longestAudible: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  after: fc.integer({ min: 0, max: 25 }),
  name: fc.constantFrom(...NAMES),
  what: fc.constantFrom('toggle', 'toggle', 'toggle', 'silence', 'acknowledge', 'restart'),
});

function run(steps: readonly Step[], channel: Channel, looksEvery: number): void {
  const lives = new Map<string, Life>();
  const firing = new Map<string, Alert>();
  const resolved = new Map<string, Alert>();
  const silenced = new Set<string>();
  const toldAt = new Map<string, number[]>();
  const believed = new Map<string, string>();
  let groups: NotificationGroup[] = [];
  const pending = [...steps];
  let nextStep = pending[0]?.after ?? Infinity;
  let made = 0;
  const takeStep = (now: number): Step | undefined => {
    if (now < nextStep || now >= END / 2) return undefined;
    const taken = pending.shift();
    nextStep = now + (pending[0]?.after ?? Infinity);
    return taken;
  };
  for (let now = 0; now <= END; now++) {
    for (let next = takeStep(now); next !== undefined; next = takeStep(now)) {
      const { name, what } = next;
      const alert = firing.get(name);
      // All that is kept over a restart is what was stored: as JSON.
      if (what === 'restart') groups = JSON.parse(JSON.stringify(groups));
      if (what === 'silence' && !silenced.delete(name)) silenced.add(name);
      if (what === 'acknowledge' && alert !== undefined)
        firing.set(name, { ...alert, acknowledgement: { by: 'me', comment: '', atMs: now } });
      if (what === 'toggle' && alert !== undefined) {
        lives.get(alert.id)!.over = now;
        resolved.set(alert.id, resolvedOf(alert, now));
        firing.delete(name);
      } else if (what === 'toggle') {
        const id = `${name}#${made++}`;
        firing.set(name, alertOf(id, { firingSinceMs: now, labels: { name, group: name.slice(0, 1) } }));
        lives.set(id, {
          id,
          name,
          group: name.slice(0, 1),
          firing: [],
          over: null,
          resolvedTold: [],
          audibleSince: null,
          longestAudible: 0,
        });
      }
    }
    for (const [name, alert] of firing) {
      const life = lives.get(alert.id)!;
      if (silenced.has(name) || alert.acknowledgement !== null) life.audibleSince = null;
      else life.longestAudible = Math.max(life.longestAudible, now - (life.audibleSince ??= now));
    }
    if (now % looksEvery !== 0) continue;
    const planned = plan({
      channel,
      groups,
      resolved,
      lost: new Set(),
      nowMs: now,
      active: [...firing.values()],
      matches: () => true,
      silenced: new Set([...firing].flatMap(([name, alert]) => (silenced.has(name) ? [alert.id] : []))),
    });
    groups = keepGroups(groups, planned.groups);
    for (const notification of planned.notifications) {
      const { alerts, groupLabels } = notification;
      expect(alerts.length).toBeGreaterThan(0);
      const times = toldAt.get(groupLabels.group!) ?? [];
      toldAt.set(groupLabels.group!, [...times, now]);
      for (const { id, status } of alerts) {
        const life = lives.get(id)!;
        expect(life.group).toBe(groupLabels.group);
        if (status === 'firing') {
          // Nothing silenced, acknowledged or over is ever told as firing.
          expect([id, life.over, life.audibleSince !== null]).toEqual([id, null, true]);
          life.firing.push(now);
        } else life.resolvedTold.push(now);
      }
      const inOrder = pieces(notification, { maxAlerts: 9, forwards: true }).flatMap((piece) => piece.alerts);
      for (const { id, status } of inOrder) believed.set(lives.get(id)!.name, status);
      for (const { id, status } of alerts) if (status === 'firing') expect([id, believed.get(lives.get(id)!.name)]).toEqual([id, status]);
    }
  }
  for (const life of lives.values()) {
    const first = life.firing[0];
    // Told when it could be heard for long enough; never told what was not bad long enough for the wait.
    if (life.longestAudible >= INTERVAL + WAIT + looksEvery) expect([life.id, first !== undefined]).toEqual([life.id, true]);
    // Over: told once, if it was told, and never told as firing after that; not when it was known to be bad again by then.
    const toldNext = toldAt.get(life.group)?.find((time) => life.over !== null && time >= life.over);
    const isBadAgain =
      toldNext !== undefined && [...lives.values()].some((other) => other.name === life.name && other.firing[0] === toldNext);
    const expectOver = channel.sendsResolved && first !== undefined && life.over !== null && !isBadAgain ? 1 : 0;
    expect([life.id, life.resolvedTold.length]).toEqual([life.id, expectOver]);
    if (expectOver === 1) expect(life.resolvedTold[0]).toBeGreaterThan(life.firing.at(-1)!);
    // It is told as firing the first time, and then only with something else of its group, or as a repeat.
    for (const [index, time] of life.firing.entries()) {
      if (index === 0) continue;
      const news = [...lives.values()].some(
        (other) => other.group === life.group && (other.firing[0] === time || other.resolvedTold[0] === time),
      );
      const lastOfGroup = toldAt
        .get(life.group)!
        .filter((other) => other < time)
        .at(-1)!;
      expect([life.id, time, news || time - lastOfGroup >= REPEAT]).toEqual([life.id, time, true]);
    }
    // Who can be heard to the end is repeated to the end.
    if (life.over === null && life.audibleSince !== null) expect(END - life.firing.at(-1)!).toBeLessThanOrEqual(REPEAT + looksEvery);
  }
  // In the end the receiver believes what is true.
  for (const [name, status] of believed) {
    const alert = firing.get(name);
    if (alert === undefined && channel.sendsResolved) expect([name, status]).toEqual([name, 'resolved']);
    if (alert !== undefined && lives.get(alert.id)!.audibleSince !== null) expect([name, status]).toEqual([name, 'firing']);
  }
  // A group is not told more often than it may be; only one that was over altogether may be told again sooner.
  for (const [group, times] of toldAt) {
    for (const [index, time] of times.entries()) {
      const before = times[index - 1];
      if (before === undefined || time - before >= INTERVAL) continue;
      const allOver = [...lives.values()].every(
        (life) =>
          life.group !== group || life.firing[0] === undefined || life.firing[0] >= time || (life.over !== null && life.over < time),
      );
      expect([group, time, allOver]).toEqual([group, time, true]);
    }
  }
}

test('every alert is told once, repeated as it should be, and once that it is over, whatever happens', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), fc.boolean(), fc.constantFrom(1, 2, 5), (steps, sendsResolved, looksEvery) => {
      const channel = channelOf({
        groupBy: ['group'],
        groupWaitMs: WAIT,
        groupIntervalMs: INTERVAL,
        repeatIntervalMs: REPEAT,
        sendsResolved,
      });
      run(steps, channel, looksEvery);
    }),
    { numRuns: 150 },
  );
});
