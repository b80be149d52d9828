import type { Routes } from '@angular/router';

const BRAND = 'CloudConsoleVibe';
const mayLeave = [(page: { mayLeave(): Promise<boolean> }) => page.mayLeave()];

/** The sections of the alerts' page, and the form of a rule. */
export const alertRoutes: Routes = [
  { path: '', pathMatch: 'full', title: `Alerts · ${BRAND}`, loadComponent: async () => (await import('./active-section')).ActiveSection },
  {
    path: 'history',
    title: `Alert history · ${BRAND}`,
    loadComponent: async () => (await import('./history-section')).HistorySection,
  },
  { path: 'rules', title: `Alert rules · ${BRAND}`, loadComponent: async () => (await import('./rules-section')).RulesSection },
  {
    path: 'rules/new',
    title: `New alert rule · ${BRAND}`,
    canDeactivate: mayLeave,
    loadComponent: async () => (await import('./rule-editor')).RuleEditor,
  },
  {
    path: 'rules/:ruleId',
    title: `Alert rule · ${BRAND}`,
    canDeactivate: mayLeave,
    loadComponent: async () => (await import('./rule-editor')).RuleEditor,
  },
  { path: 'silences', title: `Silences · ${BRAND}`, loadComponent: async () => (await import('./silences-section')).SilencesSection },
  { path: 'channels', title: `Alert channels · ${BRAND}`, loadComponent: async () => (await import('./channels-section')).ChannelsSection },
];
