import { describe, expect, test } from '@jest/globals';
import type { Channel } from '../../../../src/model/alert.js';
import { channelOf } from '../../../helpers/alerts.js';
import { PlannerWorld } from '../../../helpers/planner-world.js';

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

describe('a new group', () => {
  test('waits from its first alert on, and then tells all', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a');
    expect(world.at(0)).toEqual([]);
    expect(world.nextAtMs).toBe(30 * SECOND);
    world.nowMs = 20 * SECOND;
    world.fire('b');
    expect(world.at(30 * SECOND - 1)).toEqual([]);
    expect(world.at(30 * SECOND)).toEqual(['+a +b']);
    expect(world.at(31 * SECOND)).toEqual([]);
  });

  test('is not told when all is over before', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a');
    world.at(0);
    world.resolve('a');
    expect(world.at(MINUTE)).toEqual([]);
    expect(world.nextAtMs).toBe(Infinity);
  });

  test('is told at once when its wait was over before anybody looked', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a');
    expect(world.at(HOUR)).toEqual(['+a']);
  });

  test('of pending alerts is none', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a', { state: 'pending', firingSinceMs: null });
    expect(world.at(HOUR)).toEqual([]);
  });

  test('does not wait for a clock that was put back', () => {
    const world = new PlannerWorld(channelOf());
    world.nowMs = 10 * HOUR;
    world.fire('a');
    expect(world.at(HOUR)).toEqual(['+a']);
  });

  test('is one for each value of the labels it is grouped by', () => {
    const world = new PlannerWorld(channelOf({ groupBy: ['region', 'alertname'] }));
    world.fire('a', { labels: { alertname: 'X', region: 'eu', agent: 'a' } });
    world.fire('b', { labels: { alertname: 'X', region: 'us', agent: 'b' } });
    world.fire('c', { labels: { alertname: 'X', agent: 'c' } });
    expect(world.at(MINUTE)).toEqual(['+a', '+b', '+c']);
    expect(world.groups.map((group) => group.groupKey)).toEqual([
      '{"alertname":"X","region":"eu"}',
      '{"alertname":"X","region":"us"}',
      '{"alertname":"X"}',
    ]);
  });

  test('has only what the channel is told', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a', { labels: { ignored: 'yes' } });
    expect(world.at(HOUR)).toEqual([]);
  });
});

describe('a group that was told', () => {
  function told(fields: Partial<Channel> = {}): PlannerWorld {
    const world = new PlannerWorld(channelOf(fields));
    world.fire('a');
    expect(world.at(30 * SECOND)).toEqual(['+a']);
    return world;
  }

  test('is told of changes after the interval', () => {
    const world = told();
    world.nowMs = MINUTE;
    world.fire('b');
    expect(world.at(5 * MINUTE)).toEqual([]);
    expect(world.nextAtMs).toBe(5 * MINUTE + 30 * SECOND);
    expect(world.at(5 * MINUTE + 30 * SECOND)).toEqual(['+a +b']);
  });

  test('is repeated when nothing changes', () => {
    const world = told();
    expect(world.at(4 * HOUR)).toEqual([]);
    expect(world.at(4 * HOUR + 30 * SECOND)).toEqual(['+a']);
    expect(world.at(8 * HOUR + 30 * SECOND)).toEqual(['+a']);
  });

  test('is told once that it is over', () => {
    const world = told();
    world.nowMs = MINUTE;
    world.resolve('a');
    expect(world.at(2 * MINUTE)).toEqual([]);
    expect(world.at(6 * MINUTE)).toEqual(['-a']);
    expect(world.groups).toEqual([]);
    expect(world.at(20 * HOUR)).toEqual([]);
  });

  test('is told what is over beside what still fires', () => {
    const world = told();
    world.fire('b');
    expect(world.at(6 * MINUTE)).toEqual(['+a +b']);
    world.resolve('a');
    expect(world.at(12 * MINUTE)).toEqual(['+b -a']);
    expect(world.at(13 * MINUTE + 4 * HOUR)).toEqual(['+b']);
  });

  test('is quietly forgotten by a channel that does not want to know what is over', () => {
    const world = told({ sendsResolved: false });
    world.fire('b');
    expect(world.at(6 * MINUTE)).toEqual(['+a +b']);
    world.resolve('a');
    expect(world.at(12 * MINUTE)).toEqual([]);
    expect(world.groups[0]).toMatchObject({ toldFiring: ['b'], lastToldAtMs: 6 * MINUTE });
    expect(world.at(6 * MINUTE + 4 * HOUR)).toEqual(['+b']);
    world.resolve('b');
    expect(world.at(30 * HOUR)).toEqual([]);
    expect(world.groups).toEqual([]);
  });

  test('is not repeated while it is silenced, and goes on after that', () => {
    const world = told();
    world.silenced.add('a');
    expect(world.at(9 * HOUR)).toEqual([]);
    world.silenced.clear();
    expect(world.at(9 * HOUR + SECOND)).toEqual(['+a']);
  });

  test('is not repeated once it was acknowledged, and still told that it is over', () => {
    const world = told();
    world.acknowledge('a');
    expect(world.at(9 * HOUR)).toEqual([]);
    world.resolve('a');
    expect(world.at(9 * HOUR + SECOND)).toEqual(['-a']);
  });

  test('is told that it is over also while it is silenced', () => {
    const world = told();
    world.silenced.add('a');
    world.resolve('a');
    expect(world.at(HOUR)).toEqual(['-a']);
  });

  test('is not told that something is over which is bad again: who reads on would take it for well', () => {
    const world = told();
    world.nowMs = MINUTE;
    world.resolve('a');
    const labels = { severity: 'warning', agent: 'a', alertname: 'HighLatency' };
    world.nowMs = 2 * MINUTE;
    world.fire('a2', { labels });
    world.fire('b');
    expect(world.at(6 * MINUTE)).toEqual(['+a2 +b']);
    expect(world.groups[0]).toMatchObject({ toldFiring: ['a2', 'b'] });
    world.resolve('a2');
    expect(world.at(12 * MINUTE)).toEqual(['+b -a2']);
  });

  test('is told that something is over when nobody may hear that it is bad again', () => {
    const world = told();
    world.resolve('a');
    world.fire('a2', { labels: { severity: 'warning', agent: 'a', alertname: 'HighLatency' } });
    world.silenced.add('a2');
    expect(world.at(6 * MINUTE)).toEqual(['-a']);
    world.silenced.clear();
    expect(world.at(7 * MINUTE)).toEqual(['+a2']);
  });

  test('is told of changes no later than it would be repeated', () => {
    const world = told({ repeatIntervalMs: MINUTE });
    expect(world.nextAtMs).toBe(MINUTE + 30 * SECOND);
    world.fire('b');
    expect(world.at(MINUTE)).toEqual([]);
    expect(world.at(MINUTE + 30 * SECOND)).toEqual(['+a +b']);
    world.resolve('a');
    world.acknowledge('b');
    expect(world.at(2 * MINUTE + 30 * SECOND)).toEqual(['-a']);
  });

  test('keeps its alerts when the channel groups otherwise', () => {
    const world = told();
    world.channel = channelOf({ groupBy: ['agent'] });
    world.nowMs = HOUR;
    world.fire('b');
    expect(world.at(HOUR + MINUTE)).toEqual(['+b']);
    world.resolve('a');
    expect(world.at(2 * HOUR)).toEqual(['-a']);
  });

  describe('which its channel groups otherwise since', () => {
    const labels = { severity: 'warning', agent: 'a', alertname: 'HighLatency' };

    function regrouped(fields: Partial<Channel> = {}): PlannerWorld {
      const world = told(fields);
      world.channel = channelOf({ ...fields, groupBy: ['agent'] });
      world.nowMs = MINUTE;
      world.resolve('a');
      world.fire('a2', { labels });
      return world;
    }

    test('is not told that something is over which is bad again in another group, and told by now', () => {
      const world = regrouped({ groupIntervalMs: MINUTE });
      expect(world.at(2 * MINUTE)).toEqual(['+a2']);
      expect(world.groups).toMatchObject([{ toldFiring: ['a2'] }]);
      world.resolve('a2');
      expect(world.at(HOUR)).toEqual(['-a2']);
    });

    test('nor what was told before', () => {
      const world = regrouped();
      expect(world.at(2 * MINUTE)).toEqual(['+a2']);
      expect(world.at(HOUR)).toEqual([]);
      expect(world.groups).toMatchObject([{ toldFiring: ['a2'] }]);
    });

    test('is told so before it is told that it is bad again', () => {
      const world = regrouped({ groupIntervalMs: 1, groupWaitMs: 30 * SECOND });
      expect(world.at(MINUTE)).toEqual(['-a']);
      expect(world.at(2 * MINUTE)).toEqual(['+a2']);
    });

    test('is over for PagerDuty, which knows it by its group', () => {
      const world = regrouped({ type: 'pagerduty' });
      expect(world.at(HOUR)).toEqual(['-a', '+a2']);
    });
  });

  test('waits for what nobody knows yet, and forgets what is lost', () => {
    const world = told();
    world.active.delete('a');
    expect(world.at(HOUR)).toEqual([]);
    expect(world.groups).toHaveLength(1);
    world.lost.add('a');
    expect(world.at(2 * HOUR)).toEqual([]);
    expect(world.groups).toEqual([]);
  });

  test('is not told twice because the clock went back a little', () => {
    const world = told();
    expect(world.at(29 * SECOND)).toEqual([]);
    expect(world.at(31 * SECOND)).toEqual([]);
  });

  test('that is bad again later is a new one', () => {
    const world = told();
    world.resolve('a');
    world.at(HOUR);
    world.nowMs = 2 * HOUR;
    world.fire('a2');
    expect(world.at(2 * HOUR + 29 * SECOND)).toEqual([]);
    expect(world.at(2 * HOUR + 30 * SECOND)).toEqual(['+a2']);
  });
});

describe('silenced and acknowledged alerts', () => {
  test('are not told; when the silence ends they are', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a');
    world.fire('b');
    world.silenced.add('a');
    expect(world.at(MINUTE)).toEqual(['+b']);
    world.silenced.clear();
    expect(world.at(6 * MINUTE)).toEqual(['+a +b']);
  });

  test('that were never told are not told to be over', () => {
    const world = new PlannerWorld(channelOf());
    world.fire('a');
    world.acknowledge('a');
    expect(world.at(MINUTE)).toEqual([]);
    world.resolve('a');
    expect(world.at(HOUR)).toEqual([]);
  });

  test('are refreshed where they were forwarded to', () => {
    const world = new PlannerWorld(channelOf({ type: 'alertmanager', repeatIntervalMs: 5 * MINUTE }));
    world.fire('a');
    expect(world.at(MINUTE)).toEqual(['+a']);
    world.acknowledge('a');
    world.silenced.add('a');
    world.silenced.add('b');
    world.fire('b');
    expect(world.at(6 * MINUTE)).toEqual(['+a']);
  });
});
