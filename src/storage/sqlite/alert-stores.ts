import type { AlertStores } from '../ports/alerts.js';
import type { ReaderPool } from './threads/reader-pool.js';
import type { WriterClient } from './threads/writer-client.js';

/** The stores of alerting, on the main thread: what they are asked goes to the writer thread, or to a reader. */
export function createAlertStores(write: WriterClient, read: ReaderPool): AlertStores {
  return {
    rules: {
      all: () => read.call('allAlertRules'),
      create: (fields, nowMs) => write.call('createAlertRule', fields, nowMs),
      update: (id, fields, nowMs) => write.call('updateAlertRule', id, fields, nowMs),
      remove: (id) => write.call('removeAlertRule', id),
      createDefaults: (rules, nowMs) => write.call('createDefaultAlertRules', rules, nowMs),
    },
    alerts: {
      active: () => read.call('activeAlerts'),
      save: (alerts) => write.call('saveAlerts', alerts),
      acknowledge: (id, acknowledgement) => write.call('acknowledgeAlert', id, acknowledgement),
      history: (query) => read.call('alertHistory', query),
      purge: (resolvedBeforeMs, keep) => write.call('purgeAlerts', resolvedBeforeMs, keep),
    },
    silences: {
      all: () => read.call('allSilences'),
      create: (fields, nowMs) => write.call('createSilence', fields, nowMs),
      update: (id, fields, nowMs) => write.call('updateSilence', id, fields, nowMs),
      remove: (id) => write.call('removeSilence', id),
    },
    channels: {
      all: () => read.call('allChannels'),
      create: (fields, nowMs) => write.call('createChannel', fields, nowMs),
      update: (id, fields, nowMs) => write.call('updateChannel', id, fields, nowMs),
      remove: (id) => write.call('removeChannel', id),
      fromSettings: (name, fields, nowMs) => write.call('setChannelFromSettings', name, fields, nowMs),
    },
    deliveries: {
      groups: () => read.call('notificationGroups'),
      enqueue: (groups, deliveries) => write.call('enqueueDeliveries', groups, deliveries),
      waiting: (limit) => read.call('waitingDeliveries', limit),
      payload: (id) => read.call('deliveryPayload', id),
      record: (delivery) => write.call('recordDelivery', delivery),
      log: (query) => read.call('deliveryLog', query),
      purge: (finishedBeforeMs, keep) => write.call('purgeDeliveries', finishedBeforeMs, keep),
    },
  };
}
