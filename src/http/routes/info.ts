import { Router } from 'express';

const ENDPOINTS = {
  console: '/',
  agents: '/api/v1/agents',
  agentActivity: '/api/v1/agents/:agentId/activity',
  metrics: '/api/v1/metrics',
  series: '/api/v1/metrics/series',
  chart: '/api/v1/metrics/chart',
  dashboard: '/api/v1/dashboard/overview',
  topology: '/api/v1/topology',
  alerts: '/api/v1/alerts',
  alertRules: '/api/v1/alerts/rules',
  targets: '/api/v1/targets',
  info: '/api/v1/info',
  health: '/health',
  selfMetrics: '/metrics',
  agentSocket: '/api/v1/agents/connect',
  liveSocket: '/ws',
  logging: '/api/logging',
  compute: '/api/compute',
  cloudrun: '/api/cloudrun',
  ipify: '/api/ipify',
};

/** `GET /info`: what this is and where things are. */
export function infoRoutes(deps: { readonly version: string }): Router {
  const router = Router();
  router.get('/info', (_req, res) => {
    res.json({ service: 'cloudconsolevibe-backend', version: deps.version, endpoints: ENDPOINTS });
  });
  return router;
}
