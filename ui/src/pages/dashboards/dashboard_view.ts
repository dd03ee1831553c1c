// A dashboard between document, URL and screen: what is chosen for its variables, and what editing changes. Knows no DOM.
import type { DashboardDocument, DashboardPanel, DashboardVariable } from '../../api/types'
import { compact, place, type GridBox } from '../../base/grid'
import type { ParamValue } from '../../base/url'
import { variablesIn, type ChosenVariable } from '../../base/variables'

export const ALL = '*'
export const paramOf = (name: string): string => `var-${name}`

// What the URL says, else the variable's own default; null: its values are needed first.
export function chosenOf(variable: DashboardVariable, given: readonly string[], known: readonly string[] | null): ChosenVariable | null {
  const several = variable.multi === true
  if (given.length > 0) {
    if (given.includes(ALL) && variable.all === true) return { values: known ?? [], all: true }
    return { values: several ? given : given.slice(0, 1), all: false }
  }
  if (variable.default !== undefined && variable.default.length > 0) return { values: several ? variable.default : variable.default.slice(0, 1), all: false }
  if (variable.kind === 'text') return { values: [''], all: false }
  if (variable.all === true) return { values: known ?? [], all: true }
  if (known === null) return null
  return { values: known.slice(0, 1), all: false }
}

// What a choice makes of the URL; the default needs no parameter.
export function choiceParam(variable: DashboardVariable, chosen: ChosenVariable): ParamValue {
  if (chosen.all) return variable.default === undefined ? null : ALL
  return chosen.values.length > 0 ? [...chosen.values] : null
}

// Variables before the one of that place that its filter names: a change of theirs asks for its values anew.
export function dependsOn(variables: readonly DashboardVariable[], at: number): string[] {
  const wanted = new Set(variablesIn(variables[at]?.filter ?? ''))
  return variables.slice(0, at).map((one) => one.name).filter((name) => wanted.has(name))
}

export interface PanelBox extends GridBox {
  panel: DashboardPanel
}

export function boxesOf(panels: readonly DashboardPanel[]): PanelBox[] {
  return compact(panels.map((panel) => ({ id: panel.id, ...panel.grid, panel })))
}

export function panelsOf(boxes: readonly PanelBox[]): DashboardPanel[] {
  return boxes.map(({ panel, x, y, w, h }) => ({ ...panel, grid: { x, y, w, h } }))
}

export function freeId(panels: readonly DashboardPanel[]): string {
  const taken = new Set(panels.map((panel) => panel.id))
  for (let i = panels.length + 1; ; i++) if (!taken.has(`p${i}`)) return `p${i}`
}

export function withPanel(document: DashboardDocument, panel: DashboardPanel): DashboardDocument {
  const known = document.panels.some((one) => one.id === panel.id)
  return { ...document, panels: known ? document.panels.map((one) => (one.id === panel.id ? panel : one)) : [...document.panels, panel] }
}

export function withoutPanel(document: DashboardDocument, id: string): DashboardDocument {
  return { ...document, panels: panelsOf(boxesOf(document.panels.filter((panel) => panel.id !== id))) }
}

export function withCopy(document: DashboardDocument, panel: DashboardPanel): DashboardDocument {
  const id = freeId(document.panels)
  const at = place(boxesOf(document.panels), panel.grid.w, panel.grid.h)
  return { ...document, panels: [...document.panels, { ...panel, id, title: copyTitle(panel.title ?? '').trim(), grid: { ...panel.grid, ...at } }] }
}

export const emptyDashboard = (title: string): DashboardDocument => ({
  schema: 1,
  title,
  variables: [{ name: 'service', label: 'Service', kind: 'field', field: 'resource.service.name', multi: true, all: true }],
  annotations: [{ kind: 'deployments', service: '$service' }],
  panels: [],
})

// The state that a share link keeps: time and variables.
export function shareState(search: URLSearchParams): string {
  const kept = new URLSearchParams()
  for (const [key, value] of search) if (['last', 'from', 'to', 'live'].includes(key) || key.startsWith('var-')) kept.append(key, value)
  return kept.toString()
}

export function fileName(title: string): string {
  return `${title.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-+|-+$/g, '') || 'dashboard'}.json`
}

const TITLE_BYTES_MAX = 200

// Of a copy, as long as a title may be.
export function copyTitle(title: string): string {
  const letters = [...title]
  const named = () => `${letters.join('')} copy`
  while (new TextEncoder().encode(named()).length > TITLE_BYTES_MAX) letters.pop()
  return named()
}
