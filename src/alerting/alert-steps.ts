/** From what was found of a group to its alert: the state machine's state kept in an alert, and an alert's texts. Pure. */
import type { Alert, AlertRule, ResolvedReason } from '../model/alert.js';
import { canonicalTags, type Tags } from '../model/metric.js';
import { maxStepMs } from './conditions.js';
import type { GroupLook } from './looks.js';
import { type GroupState, step, type Transition } from './state-machine.js';
import { renderAll } from './templates.js';

/** An alert as an evaluation leaves it. Without a transition only its value and its times are newer. */
export interface AlertStep {
  readonly alert: Alert;
  readonly transition: Transition | null;
}

const HIDDEN = 'tag_';
const HIDDEN_PREFIX = /^(?:tag_)*/;

/** Null: there was no alert, and there is none. */
export function stepAlert(rule: AlertRule, before: Alert | null, look: GroupLook, nowMs: number, newId: () => string): AlertStep | null {
  const timing = { forMs: rule.forMs, keepFiringForMs: rule.keepFiringForMs, maxStepMs: maxStepMs(rule) };
  const { state, transition } = step(before === null ? null : stateOf(before), { nowMs, ...look }, timing);
  if (state === null && before === null) return null;
  const alert = before ?? begun(rule, look, newId());
  const labels = alert.labels;
  const value = look.finding === 'unknown' ? alert.value : look.value;
  const looked: Alert = {
    ...alert,
    value,
    annotations: look.finding === 'unknown' ? alert.annotations : renderAll(rule.annotations, textValues(rule, labels, value, look.unit)),
    updatedAtMs: nowMs,
  };
  if (state === null) return { alert: resolved(looked, 'recovered', nowMs), transition };
  const { startedAtMs, firingSinceMs, wellSinceMs } = state;
  return { alert: { ...looked, state: state.state, startedAtMs, firingSinceMs, wellSinceMs }, transition };
}

export function resolved(alert: Alert, resolvedReason: ResolvedReason, nowMs: number): Alert {
  return { ...alert, state: 'resolved', resolvedAtMs: nowMs, resolvedReason, updatedAtMs: nowMs };
}

/** Whether the alert has the labels the rule gives its alerts. */
export function isOfRule({ labels }: Alert, rule: AlertRule): boolean {
  return Object.entries(labelsOf(rule)).every(([name, value]) => labels[name] === value);
}

/**
 * The labels of a group's alerts. What the rule says wins; a tag of the group it hides is `tag_…`, and one that is called so already
 * gets a `tag_` more, so that no two groups look the same.
 */
export function alertLabels(rule: Pick<AlertRule, 'name' | 'labels' | 'severity'>, ofGroup: Tags): Tags {
  const ofRule = labelsOf(rule);
  const shown = Object.entries(ofGroup).map(([name, value]) => [shownAs(name, ofRule), value] as const);
  return Object.fromEntries([...Object.entries(ofRule), ...shown]);
}

/** Another name for another name, and none of the rule's: names that differ in how often they begin with `tag_` all move up alike. */
function shownAs(name: string, ofRule: Tags): string {
  const { base, depth } = parsed(name);
  const hidden = Object.keys(ofRule)
    .map(parsed)
    .filter((other) => other.base === base)
    .map((other) => other.depth);
  if (hidden.length === 0) return name;
  const least = Math.min(...hidden);
  return depth < least ? name : HIDDEN.repeat(Math.max(...hidden) - least + 1) + name;
}

function parsed(name: string): { readonly base: string; readonly depth: number } {
  const [prefix = ''] = HIDDEN_PREFIX.exec(name) ?? [];
  return { base: name.slice(prefix.length), depth: prefix.length / HIDDEN.length };
}

function labelsOf({ name, labels, severity }: Pick<AlertRule, 'name' | 'labels' | 'severity'>): Tags {
  return { ...labels, alertname: name, severity };
}

function stateOf({ state, startedAtMs, firingSinceMs, wellSinceMs, updatedAtMs }: Alert): GroupState {
  return { state: state === 'firing' ? 'firing' : 'pending', startedAtMs, firingSinceMs, wellSinceMs, lookedAtMs: updatedAtMs };
}

function begun(rule: AlertRule, { key, labels, agentId }: GroupLook, id: string): Alert {
  return {
    id,
    ruleId: rule.id,
    groupKey: key,
    labels: alertLabels(rule, labels),
    annotations: {},
    agentId,
    state: 'pending',
    value: null,
    startedAtMs: 0,
    firingSinceMs: null,
    wellSinceMs: null,
    resolvedAtMs: null,
    resolvedReason: null,
    acknowledgement: null,
    updatedAtMs: 0,
  };
}

function textValues(rule: AlertRule, labels: Alert['labels'], value: number | null, unit: string | null) {
  const { subject, name, severity } = rule;
  const isMetric = subject.kind === 'metric';
  const thresholdMs = isMetric ? null : subject.thresholdMs;
  return {
    value,
    threshold: isMetric ? subject.threshold : thresholdMs === null ? null : thresholdMs / 1_000,
    unit,
    rule: name,
    severity,
    metric: isMetric ? subject.metricName : null,
    labels,
  };
}

/** What a console shows of it at once. */
export function headline(alert: Alert): string {
  const { alertname = '', severity: _, ...labels } = alert.labels;
  const text = alert.annotations.summary;
  return text === undefined || text === '' ? `${alertname} ${canonicalTags(labels)}` : `${alertname}: ${text}`;
}
