import type { Routes } from '@angular/router';

const BRAND = 'CloudConsoleVibe';

/** One page per route, each loaded when it is first opened. */
export const routes: Routes = [
  {
    path: '',
    pathMatch: 'full',
    title: `Overview · ${BRAND}`,
    loadComponent: async () => (await import('./pages/overview/overview-page')).OverviewPage,
  },
  { path: 'agents', title: `Agents · ${BRAND}`, loadComponent: async () => (await import('./pages/agents/agents-page')).AgentsPage },
  {
    path: 'agents/:agentId',
    title: ({ params }) => `${String(params['agentId'])} · ${BRAND}`,
    // No page is there while a key is asked for.
    canDeactivate: [(page: { mayLeave(): Promise<boolean> } | null) => page?.mayLeave() ?? true],
    loadComponent: async () => (await import('./pages/agent-detail/agent-detail-page')).AgentDetailPage,
  },
  {
    path: 'explore',
    title: `Explore · ${BRAND}`,
    loadComponent: async () => (await import('./pages/explorer/explorer-page')).ExplorerPage,
  },
  {
    path: 'topology',
    title: `Topology · ${BRAND}`,
    loadComponent: async () => (await import('./pages/topology/topology-page')).TopologyPage,
  },
  {
    path: 'alerts',
    loadComponent: async () => (await import('./pages/alerts/alerts-page')).AlertsPage,
    loadChildren: async () => (await import('./pages/alerts/alerts.routes')).alertRoutes,
  },
  { path: 'targets', title: `Targets · ${BRAND}`, loadComponent: async () => (await import('./pages/targets/targets-page')).TargetsPage },
  { path: 'about', title: `About · ${BRAND}`, loadComponent: async () => (await import('./pages/about/about-page')).AboutPage },
  { path: '**', title: `Not found · ${BRAND}`, loadComponent: async () => (await import('./pages/not-found/not-found-page')).NotFoundPage },
];
