import type { Db } from '../../open.js';
import { AlertRows } from './alert-rows.js';
import { ChannelRows } from './channel-rows.js';
import { DeliveryRows } from './delivery-rows.js';
import { RuleRows } from './rule-rows.js';
import { SilenceRows } from './silence-rows.js';

/** What the writer thread does for alerting. */
export function createAlertWriterOps(db: Db) {
  const rules = new RuleRows(db);
  const alerts = new AlertRows(db);
  const silences = new SilenceRows(db);
  const channels = new ChannelRows(db);
  const deliveries = new DeliveryRows(db);
  return {
    createAlertRule: rules.create.bind(rules),
    updateAlertRule: rules.update.bind(rules),
    removeAlertRule: rules.remove.bind(rules),
    createDefaultAlertRules: rules.createDefaults.bind(rules),
    saveAlerts: alerts.save.bind(alerts),
    acknowledgeAlert: alerts.acknowledge.bind(alerts),
    purgeAlerts: alerts.purge.bind(alerts),
    createSilence: silences.create.bind(silences),
    updateSilence: silences.update.bind(silences),
    removeSilence: silences.remove.bind(silences),
    createChannel: channels.create.bind(channels),
    updateChannel: channels.update.bind(channels),
    removeChannel: channels.remove.bind(channels),
    setChannelFromSettings: channels.fromSettings.bind(channels),
    enqueueDeliveries: deliveries.enqueue.bind(deliveries),
    recordDelivery: deliveries.record.bind(deliveries),
    purgeDeliveries: deliveries.purge.bind(deliveries),
  };
}

/** What a reader thread does for it. */
export function createAlertReaderOps(db: Db) {
  const rules = new RuleRows(db);
  const alerts = new AlertRows(db);
  const silences = new SilenceRows(db);
  const channels = new ChannelRows(db);
  const deliveries = new DeliveryRows(db);
  return {
    allAlertRules: rules.all.bind(rules),
    activeAlerts: alerts.active.bind(alerts),
    alertHistory: alerts.history.bind(alerts),
    allSilences: silences.all.bind(silences),
    allChannels: channels.all.bind(channels),
    notificationGroups: deliveries.groups.bind(deliveries),
    waitingDeliveries: deliveries.waiting.bind(deliveries),
    deliveryPayload: deliveries.payload.bind(deliveries),
    deliveryLog: deliveries.log.bind(deliveries),
  };
}
