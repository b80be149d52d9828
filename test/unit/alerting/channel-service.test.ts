import { beforeEach, describe, expect, test } from '@jest/globals';
import { ChannelService } from '../../../src/alerting/channel-service.js';
import { DELIVERED } from '../../../src/alerting/notify/send-result.js';
import { deliveryOf } from '../../helpers/alert-fixtures.js';
import { MemoryChannelStore, MemoryDeliveryStore } from '../../helpers/memory-alert-stores.js';

const SETTINGS = { webhookUrl: null, webhookSecret: null, emailFrom: null, emailTo: [] };
const BODY = { name: 'On call', type: 'webhook', settings: { url: 'https://hook.example/1' } };

let deliveries: MemoryDeliveryStore;
let store: MemoryChannelStore;
let service: ChannelService;

beforeEach(async () => {
  deliveries = new MemoryDeliveryStore();
  store = new MemoryChannelStore(deliveries);
  service = new ChannelService({ store, deliveries, settings: SETTINGS, send: async () => DELIVERED, clock: { nowMs: () => 1_000 } });
  await service.start();
});

describe('channels, as people ask for them', () => {
  test('are as they were changed at once, also when nothing can be read', async () => {
    const all = store.all.bind(store);
    store.all = () => Promise.reject(new Error('too many questions'));
    const { id } = await service.create(BODY);
    const other = await service.create({ ...BODY, name: 'Other' });
    expect(service.all().map(({ name }) => name)).toEqual(['On call', 'Other']);
    const [first, second] = service.all();
    await service.update(id, { enabled: false });
    expect(service.all()[0]).toMatchObject({ id, enabled: false });
    // Who waits for a channel to change looks whether it is the same.
    expect([service.all()[0] === first, service.all()[1] === second]).toEqual([false, true]);
    await service.remove(id);
    expect(service.all().map((channel) => channel.id)).toEqual([other.id]);
    store.all = all;
    expect(service.all()).toEqual(await store.all());
  });

  test('have a log that says of how many alerts they were told', async () => {
    const { id } = await service.create(BODY);
    await deliveries.enqueue([], [deliveryOf(id, { groupKey: '{"alertname":"Hot"}' })]);
    expect(await service.deliveries(id, 10)).toMatchObject({ deliveries: [{ alerts: 2, group_labels: { alertname: 'Hot' } }] });
  });
});
