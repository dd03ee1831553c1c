// What a panel is told by the page around it. The time range is that of all pages (state/range.svelte.ts).
import type { Variables } from '../base/variables'
import type { ChartMarker } from '../widgets/chart'
import type { ChartShade } from '../widgets/chart_overlays'

export interface PanelContext {
  variables: Variables
  markers: readonly ChartMarker[] // deployments and notes, by time
  shades?: readonly ChartShade[] // when alerts fired
  sync: string // panels with the same key share the crosshair
}
