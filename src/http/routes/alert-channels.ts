/** `/alerts/channels…`: who is told of alerts, and what came of it. */
import { Router } from 'express';
import Joi from 'joi';
import type { ChannelService } from '../../alerting/channel-service.js';
import { limit, readQuery } from './read-params.js';

const listSchema = Joi.object<{ limit: number }>({ limit: limit(500, 50) });

export function alertChannelRoutes({ channels }: { readonly channels: ChannelService }): Router {
  const router = Router();
  router.get('/alerts/channels', (_req, res) => {
    res.json(channels.list());
  });
  router.post('/alerts/channels', async (req, res) => {
    res.status(201).json(await channels.create(req.body));
  });
  router.put('/alerts/channels/:id', async (req, res) => {
    res.json(await channels.update(req.params.id, req.body));
  });
  router.delete('/alerts/channels/:id', async (req, res) => {
    res.json(await channels.remove(req.params.id));
  });
  router.post('/alerts/channels/:id/test', async (req, res) => {
    res.json(await channels.test(req.params.id));
  });
  router.get('/alerts/channels/:id/deliveries', async (req, res) => {
    res.json(await channels.deliveries(req.params.id, readQuery(listSchema, req.query).limit));
  });
  return router;
}
