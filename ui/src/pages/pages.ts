// Which page shows which route. Each is loaded when it is first visited.
import type { Component } from 'svelte'
import type { RouteName } from '../base/routes'

type Page = Component<{ params: Record<string, string> }>
interface PageEntry {
  title: string
  load: () => Promise<{ default: Page }>
}

export const PAGES: Record<RouteName, PageEntry> = {
  home: { title: 'Home', load: () => import('./home/HomePage.svelte') },
  services: { title: 'Services', load: () => import('./services/ServicesPage.svelte') },
  traces: { title: 'Traces', load: () => import('./traces/TracesPage.svelte') },
  trace: { title: 'Trace', load: () => import('./trace/TracePage.svelte') },
  logs: { title: 'Logs', load: () => import('./logs/LogsPage.svelte') },
  metrics: { title: 'Metrics', load: () => import('./metrics/MetricsPage.svelte') },
  settings: { title: 'Settings', load: () => import('./settings/SettingsPage.svelte') },
}
