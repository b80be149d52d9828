/** The console's pages, as a user knows them. */
export interface ConsolePage {
  readonly path: string;
  readonly title: RegExp;
  /** Its name in the navigation; null: it is not there. */
  readonly label: string | null;
}

export const AGENT_ID = 'fleet-0001';

export const CONSOLE_PAGES: readonly ConsolePage[] = [
  { path: '/', title: /^Overview/, label: 'Overview' },
  { path: '/agents', title: /^Agents/, label: 'Agents' },
  { path: `/agents/${AGENT_ID}`, title: new RegExp(`^${AGENT_ID}`), label: null },
  { path: '/alerts', title: /^Alerts/, label: 'Alerts' },
  { path: '/explore', title: /^Explore/, label: 'Explore' },
  { path: '/topology', title: /^Topology/, label: 'Topology' },
  { path: '/targets', title: /^Targets/, label: 'Targets' },
  { path: '/about', title: /^About/, label: 'About' },
  { path: '/no/such/page', title: /^Not found/, label: null },
];

/** What is behind tabs of theirs. */
export const FURTHER_PAGES: readonly ConsolePage[] = [
  { path: '/alerts/history', title: /^Alert history/, label: 'Alerts' },
  { path: '/alerts/rules', title: /^Alert rules/, label: 'Alerts' },
  { path: '/alerts/rules/new', title: /^New alert rule/, label: 'Alerts' },
  { path: '/alerts/silences', title: /^Silences/, label: 'Alerts' },
  { path: '/alerts/channels', title: /^Alert channels/, label: 'Alerts' },
];
