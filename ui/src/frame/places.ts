// The places of the rail, in its order. Only what exists.
import type { RouteName } from '../base/routes'
import type { IconName } from '../widgets/icons'

export interface Place {
  route: RouteName
  path: string
  label: string
  icon: IconName
  keys: string
}

export const PLACES: readonly Place[] = [
  { route: 'home', path: '/', label: 'Home', icon: 'home', keys: 'g h' },
  { route: 'services', path: '/services', label: 'Services', icon: 'services', keys: 'g s' },
  { route: 'map', path: '/map', label: 'Map', icon: 'map', keys: 'g a' },
  { route: 'silent', path: '/silent-failures', label: 'Silent failures', icon: 'mute', keys: 'g f' },
  { route: 'exceptions', path: '/exceptions', label: 'Exceptions', icon: 'error', keys: 'g e' },
  { route: 'traces', path: '/traces', label: 'Traces', icon: 'traces', keys: 'g t' },
  { route: 'logs', path: '/logs', label: 'Logs', icon: 'logs', keys: 'g l' },
  { route: 'metrics', path: '/metrics', label: 'Metrics', icon: 'metrics', keys: 'g m' },
  { route: 'dashboards', path: '/dashboards', label: 'Dashboards', icon: 'dashboard', keys: 'g d' },
  { route: 'alerts', path: '/alerts', label: 'Alerts', icon: 'bell', keys: 'g w' },
  { route: 'slos', path: '/slos', label: 'SLOs', icon: 'target', keys: 'g o' },
  { route: 'sampling', path: '/sampling', label: 'Sampling', icon: 'filter', keys: 'g p' },
  { route: 'settings', path: '/settings/ingest', label: 'Settings', icon: 'settings', keys: 'g i' },
]

// Which place of the rail a path belongs to: /traces/4bf9… is under Traces.
export function placeOf(path: string): Place | undefined {
  const first = `/${path.split('/')[1] ?? ''}`
  return PLACES.find((place) => `/${place.path.split('/')[1] ?? ''}` === first)
}
