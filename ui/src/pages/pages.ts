// Which page shows which route. Each is loaded when it is first visited. The frame shows the title (h1) and, where they
// apply, the time range and the service filter; a page starts with h2 and may name itself by state/page.svelte.ts.
import type { Component } from 'svelte'
import type { RouteName } from '../base/routes'

export type Page = Component<{ params: Record<string, string> }>
export interface PageEntry {
  title: string
  range: boolean // follows the time range
  service: boolean // follows the service filter
  load: () => Promise<{ default: Page }>
}

export const PAGES: Record<RouteName, PageEntry> = {
  home: { title: 'Home', range: true, service: true, load: () => import('./home/HomePage.svelte') },
  services: { title: 'Services', range: true, service: false, load: () => import('./services/ServicesPage.svelte') },
  service: { title: 'Service', range: true, service: false, load: () => import('./services/ServicePage.svelte') },
  map: { title: 'Map', range: true, service: false, load: () => import('./map/MapPage.svelte') },
  silent: { title: 'Silent failures', range: true, service: true, load: () => import('./silent/SilentPage.svelte') },
  exceptions: { title: 'Exceptions', range: true, service: true, load: () => import('./exceptions/ExceptionsPage.svelte') },
  traces: { title: 'Traces', range: true, service: false /* it has its own */, load: () => import('./traces/TracesPage.svelte') },
  trace: { title: 'Trace', range: false, service: false, load: () => import('./trace/TracePage.svelte') },
  logs: { title: 'Logs', range: true, service: true, load: () => import('./logs/LogsPage.svelte') },
  metrics: { title: 'Metrics', range: true, service: true, load: () => import('./metrics/MetricsPage.svelte') },
  builder: { title: 'Builder', range: true, service: false, load: () => import('./metrics/BuilderPage.svelte') },
  dashboards: { title: 'Dashboards', range: false, service: false, load: () => import('./dashboards/DashboardsPage.svelte') },
  dashboard: { title: 'Dashboard', range: true, service: false /* it has variables */, load: () => import('./dashboards/DashboardPage.svelte') },
  shared: { title: 'Shared dashboard', range: true, service: false, load: () => import('./dashboards/SharedPage.svelte') },
  alerts: { title: 'Alerts', range: true, service: false, load: () => import('./alerts/AlertsPage.svelte') },
  alertRule: { title: 'Alert rule', range: true, service: false, load: () => import('./alerts/RulePage.svelte') },
  slos: { title: 'SLOs', range: false, service: false, load: () => import('./slos/SlosPage.svelte') },
  slo: { title: 'SLO', range: true, service: false, load: () => import('./slos/SloPage.svelte') },
  sampling: { title: 'Sampling', range: true, service: false, load: () => import('./sampling/SamplingPage.svelte') },
  settings: { title: 'Settings', range: false, service: false, load: () => import('./settings/SettingsPage.svelte') },
}
