// Paths and the pages they name.

export const ROUTES = {
  home: '/',
  services: '/services',
  service: '/services/:name',
  map: '/map',
  silent: '/silent-failures',
  exceptions: '/exceptions',
  traces: '/traces',
  trace: '/traces/:id',
  logs: '/logs',
  metrics: '/metrics',
  builder: '/metrics/builder',
  dashboards: '/dashboards',
  dashboard: '/dashboards/:id',
  shared: '/shared/:token',
  alerts: '/alerts',
  alertRule: '/alerts/rules/:id',
  slos: '/slos',
  slo: '/slos/:id',
  sampling: '/sampling',
  settings: '/settings/:section',
} as const

export type RouteName = keyof typeof ROUTES

export interface Match {
  name: RouteName
  params: Record<string, string>
}

export function matchRoute(path: string): Match | null {
  const wanted = path.replace(/\/+$/, '').split('/')
  for (const [name, pattern] of Object.entries(ROUTES)) {
    const parts = pattern.replace(/\/+$/, '').split('/')
    if (parts.length !== wanted.length) continue
    const params: Record<string, string> = {}
    const fits = parts.every((part, i) => {
      const given = wanted[i] ?? ''
      if (!part.startsWith(':')) return part === given
      params[part.slice(1)] = safeDecode(given)
      return given !== ''
    })
    if (fits) return { name: name as RouteName, params }
  }
  return null
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

// A service as the URL has it, in a path or as a filter. A name is any text: none at all, which would mean any service, and
// what a path would read as something else have a ~ before them.
export function serviceParam(name: string): string {
  return /^(|\.|\.\.|~.*)$/s.test(name) ? `~${name}` : name
}

// The path of a service's page.
export function servicePath(name: string): string {
  return `/services/${encodeURIComponent(serviceParam(name))}`
}

// What people read for it.
export function serviceLabel(param: string): string {
  return serviceOfParam(param) || 'unnamed'
}

// The name.
export function serviceOfParam(param: string): string {
  return param.startsWith('~') ? param.slice(1) : param
}
