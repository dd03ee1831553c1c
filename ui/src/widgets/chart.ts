// One time series chart on uPlot: lines, areas or bars, gaps as gaps, steps that are not over dashed, a crosshair shared by
// all charts of a page, drag to zoom. Plain TypeScript; Chart.svelte puts it on a page. Data: a ChartSpec in, zooms and
// hovered steps out. Colours come from the tokens of the theme and follow it.
import uPlot from 'uplot'

import { parseColor } from '../base/colors'
import { extent, splitUnfinished, stack, stepTimes, type Value } from '../base/series'
import { tickLabels, type ValueFormat } from '../base/series_units'
import { logTicks, timeTickLabel, timeTicks, zoneOffsetMinutes } from '../base/ticks'
import { formatDateTime, type Zone } from '../base/time'
import { barPaths } from './chart_bars'
import { ChartMarks, limitsWithMarks, type ChartMark } from './chart_marks'
import { drawBehind, drawLevels, overlayValues, shadesAt, type ChartBand, type ChartLevel, type ChartShade } from './chart_overlays'
import { ChartTip } from './chart_tip'

export type ChartMode = 'line' | 'area' | 'bar'

export interface ChartSeries {
  name: string
  color: string // a custom property: "--series-3"
  values: readonly Value[]
}

// Something that happened, drawn as a thin line with its name: a deployment.
export interface ChartMarker {
  atMs: number
  label: string
}

export interface ChartSpec {
  fromMs: number
  toMs: number
  stepSeconds: number
  series: readonly ChartSeries[] // the first lies lowest in a stack
  mode: ChartMode
  stacked: boolean
  format: ValueFormat
  fromZero: boolean
  log: boolean
  unfinished: number // first step that is not over; see unfinishedFrom
  zone: Zone
  compact: boolean // a small chart: fewer ticks, no tooltip list
  sync: string // charts with the same key share the crosshair; "": none
  markers?: readonly ChartMarker[] // by time
  marks?: readonly ChartMark[] // drawn over it
  shades?: readonly ChartShade[]
  band?: ChartBand | null
  levels?: readonly ChartLevel[]
}

export interface ChartEvents {
  zoom?: ((fromMs: number, toMs: number) => void) | undefined
  hover?: ((step: number | null) => void) | undefined
  pick?: ((step: number, event: MouseEvent) => void) | undefined // a click that was no drag
}

interface Theme {
  color(name: string): string
  axis: string
  grid: string
  surface: string
  family: string
  font: string
}

const AXIS_PX = 11
const DASH = [4, 3]
const ZOOM_PX_MIN = 5
const FILL_ALPHA = 0.14
const STACK_ALPHA = 0.55
const FADED_ALPHA = 0.2
const TIP_ROWS = 10
const MARKER_PX = 10
const MARKER_CHARACTERS = 16
const FLAT = 1e-9 // of a value: what differs by less differs by rounding
// Room for a label: 14:05, 14:05:30, 14:05:30.2, by the seconds from which on the axis covers so much time.
const TIME_LABELS_PX = [[300, 46], [5, 64], [0, 84]] as const // prettier-ignore
const VALUES_PX = 60 // what the axis of values takes of the width
const VALUE_LABEL_PX = 40
const EDGE_PX = 16 // a time label nearer to the edge would be cut

function readTheme(host: HTMLElement): Theme {
  const style = getComputedStyle(host)
  const color = (name: string) => (name.startsWith('--') ? style.getPropertyValue(name).trim() : name)
  return {
    color,
    axis: color('--axis'),
    grid: color('--grid'),
    surface: color('--surface'),
    family: style.fontFamily,
    font: `${AXIS_PX}px ${style.fontFamily}`,
  }
}

// With an alpha, as the canvas takes it.
function faint(color: string, alpha: number): string {
  const rgb = parseColor(color)
  return rgb === null ? color : `rgb(${rgb.r} ${rgb.g} ${rgb.b} / ${alpha})`
}

// Thread: the page.
export class Chart {
  private plot: uPlot | null = null
  private shape = ''
  private standsOut: number | null = null
  private spec: ChartSpec
  private readonly tip: ChartTip
  private readonly marks: ChartMarks | null
  private readonly resize: ResizeObserver
  private readonly themes: MutationObserver
  private theme: Theme

  constructor(
    private readonly host: HTMLElement,
    spec: ChartSpec,
    private readonly events: ChartEvents,
    over: HTMLElement | null = null, // lies over the host, for marks
  ) {
    this.spec = spec
    this.theme = readTheme(host)
    this.tip = new ChartTip(host)
    this.marks = over && new ChartMarks(over)
    this.resize = new ResizeObserver(() => this.fit())
    this.resize.observe(host)
    this.themes = new MutationObserver(() => {
      this.theme = readTheme(host)
      this.build()
    })
    this.themes.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
    this.build()
  }

  update(spec: ChartSpec): void {
    this.spec = spec
    this.marks?.set(spec.marks ?? [])
    if (this.plot === null || this.shapeOf(spec) !== this.shape) this.build()
    else this.plot.setData(this.data())
  }

  // Lets the others fade; null: none.
  highlight(index: number | null): void {
    if (index === this.standsOut) return
    this.standsOut = index
    this.fade()
    this.plot?.redraw(false)
  }

  // By hand, as uPlot knows nothing of series that have a solid and a dashed part.
  private fade(): void {
    const perSeries = this.spec.mode === 'bar' ? 1 : 2
    const first = this.standsOut === null ? -1 : 1 + this.drawOrder().indexOf(this.standsOut) * perSeries
    this.plot?.series.forEach((series, i) => {
      series.alpha = first < 1 || (i >= first && i < first + perSeries) ? 1 : FADED_ALPHA
    })
  }

  destroy(): void {
    this.resize.disconnect()
    this.themes.disconnect()
    this.plot?.destroy()
    this.plot = null
    this.tip.destroy()
    this.marks?.destroy()
  }

  // What cannot change without building anew.
  private shapeOf(spec: ChartSpec): string {
    const names = spec.series.map((series) => `${series.color}${series.name}`)
    return JSON.stringify([
      names,
      spec.mode,
      spec.stacked,
      spec.log,
      spec.compact,
      spec.sync,
      spec.zone,
      spec.format.name,
      (spec.markers?.length ?? 0) > 0, // they have room above
    ])
  }

  // Stacks are drawn from the top down, so that each lies over the one that reaches higher.
  private drawOrder(): number[] {
    const order = this.spec.series.map((_, index) => index)
    return this.isStacked() ? order.reverse() : order
  }

  private isStacked(): boolean {
    return this.spec.stacked && this.spec.mode !== 'line' && this.spec.series.length > 1
  }

  private steps(): number {
    return Math.max(0, ...this.spec.series.map((series) => series.values.length))
  }

  private levels(): (readonly Value[])[] {
    const values = this.spec.series.map((series) => series.values)
    return this.isStacked() ? stack(values) : values
  }

  private data(): uPlot.AlignedData {
    const { spec } = this
    const levels = this.levels()
    const rows: Value[][] = []
    for (const index of this.drawOrder()) {
      const values = levels[index] ?? []
      if (spec.mode === 'bar') {
        rows.push([...values])
      } else {
        const { done, open } = splitUnfinished(values, spec.unfinished)
        rows.push(done, open)
      }
    }
    return [stepTimes(spec.fromMs, spec.stepSeconds, this.steps()), ...rows] as uPlot.AlignedData
  }

  private build(): void {
    this.plot?.destroy()
    this.shape = this.shapeOf(this.spec)
    this.marks?.set(this.spec.marks ?? [])
    const { width, height } = this.size()
    this.plot = new uPlot(this.options(width, height), this.data(), this.host)
    this.plot.over.addEventListener('mouseleave', () => this.tip.hide())
    this.listenForPicks(this.plot)
    if (this.standsOut !== null) {
      this.fade()
      this.plot.redraw(false)
    }
  }

  private listenForPicks(plot: uPlot): void {
    const { pick } = this.events
    if (pick === undefined) return
    let pressed = 0
    plot.over.addEventListener('mousedown', (event) => (pressed = event.clientX))
    plot.over.addEventListener('click', (event) => {
      const step = this.stepAt(plot, event.clientX - plot.over.getBoundingClientRect().left)
      if (Math.abs(event.clientX - pressed) >= ZOOM_PX_MIN || step < 0) return
      this.tip.hide() // what opens now says more
      pick(step, event)
    })
  }

  // The step at a place within the plot, in CSS pixels; -1 where there is none at all.
  private stepAt(plot: uPlot, left: number): number {
    const raw = (plot.posToVal(left, 'x') * 1000 - this.spec.fromMs) / (this.spec.stepSeconds * 1000)
    return Math.min(this.steps() - 1, Math.max(0, this.spec.mode === 'bar' ? Math.floor(raw) : Math.round(raw)))
  }

  private size(): { width: number; height: number } {
    return { width: Math.max(80, this.host.clientWidth), height: Math.max(40, this.host.clientHeight) }
  }

  private fit(): void {
    if (this.plot === null) return
    const { width, height } = this.size()
    if (width !== this.plot.width || height !== this.plot.height) this.plot.setSize({ width, height })
  }

  private options(width: number, height: number): uPlot.Options {
    const { spec } = this
    return {
      width,
      height,
      padding: [spec.markers?.length ? MARKER_PX + 6 : 8, 12, 0, 4],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: spec.mode !== 'bar' && !spec.compact, size: 6 },
        drag: { x: this.events.zoom !== undefined, y: false, setScale: false, dist: ZOOM_PX_MIN },
        ...(spec.sync !== '' && { sync: { key: spec.sync, setSeries: false } }),
      },
      scales: {
        // Bars begin at their step's start: the last one needs its width.
        x: { time: false, range: () => [this.spec.fromMs / 1000, this.spec.toMs / 1000] },
        y: { distr: spec.log ? 3 : 1, log: 10, range: () => this.limits() },
      },
      axes: [this.timeAxis(), this.valueAxis()],
      series: [{}, ...this.drawOrder().flatMap((index) => this.seriesOptions(index))],
      hooks: {
        setSelect: [(plot) => this.zoomed(plot)],
        setCursor: [(plot) => this.hovered(plot)],
        drawClear: [(plot) => drawBehind(plot, this.spec, this.theme.color), (plot) => this.drawUnfinished(plot)],
        draw: [(plot) => drawLevels(plot, this.spec, this.theme.color, this.theme.family), (plot) => this.drawMarkers(plot), (plot) => this.marks?.place(plot)],
      },
    }
  }

  private limits(): [number, number] {
    const marks = this.spec.marks ?? []
    const [low, high] = limitsWithMarks(extent([...this.levels(), ...overlayValues(this.spec)]) ?? [0, 1], marks, this.spec.log)
    if (this.spec.log) {
      const positive = (value: Value) => (value ?? 0) > 0
      const least = Math.min(
        ...(this.spec.series.flatMap((series) => series.values.filter(positive)) as number[]),
        ...(marks.map((mark) => mark.value).filter(positive) as number[]),
      )
      const from = Number.isFinite(least) ? least : 1
      return [10 ** Math.floor(Math.log10(from)), 10 ** Math.ceil(Math.log10(Math.max(high, from * 10)))]
    }
    if (high - low <= Math.max(Math.abs(low), Math.abs(high)) * FLAT) return high === 0 ? [0, 1] : high > 0 ? [0, high * 1.25] : [low * 1.25, 0]
    // What starts near zero, hardly moves (else rounding looks like news), or is drawn as a length, starts at zero.
    const zero = this.spec.fromZero || this.spec.mode !== 'line' || (low >= 0 && (low < high / 2 || high - low < high / 50))
    const [bottom, top] = zero ? [Math.min(0, low), Math.max(0, high)] : [low, high]
    const room = (top - bottom) * 0.08
    return [bottom === 0 ? 0 : bottom - room, top === 0 ? 0 : top + room]
  }

  private timeAxis(): uPlot.Axis {
    const offset = zoneOffsetMinutes(this.spec.zone)
    let step = 60
    return {
      stroke: this.theme.axis,
      font: this.theme.font,
      size: 24,
      gap: 4,
      grid: { show: false },
      ticks: { show: true, stroke: this.theme.grid, width: 1, size: 4 },
      splits: (plot, _axis, min, max) => {
        const [, label] = TIME_LABELS_PX.find(([from]) => max - min >= from) ?? TIME_LABELS_PX[0]
        const ticks = timeTicks(min * 1000, max * 1000, Math.max(2, Math.floor((plot.width - VALUES_PX) / label)), offset)
        step = ticks.stepSeconds
        const last = max - ((max - min) * EDGE_PX) / plot.width
        return ticks.millis.map((millis) => millis / 1000).filter((seconds) => seconds <= last)
      },
      values: (_plot, splits) => splits.map((seconds) => timeTickLabel(seconds * 1000, step, offset)),
    }
  }

  private valueAxis(): uPlot.Axis {
    const { spec, theme } = this
    return {
      stroke: theme.axis,
      font: theme.font,
      gap: 6,
      grid: { stroke: theme.grid, width: 1 },
      ticks: { show: false },
      size: (plot, values) => {
        if (values === null || values === undefined || values.length === 0) return 40
        plot.ctx.font = theme.font
        return Math.ceil(Math.max(24, ...values.map((text) => plot.ctx.measureText(text).width))) + 12
      },
      splits: (plot, _axis, min, max) => {
        const most = Math.max(3, Math.floor(plot.height / VALUE_LABEL_PX))
        return spec.log ? logTicks(min, max, most) : this.spec.format.ticks(min, max, most)
      },
      values: (_plot, splits) => tickLabels(this.spec.format, splits),
    }
  }

  private seriesOptions(index: number): uPlot.Series[] {
    const { spec, theme } = this
    const color = theme.color(spec.series[index]?.color ?? '--series-0')
    const stacked = this.isStacked()
    if (spec.mode === 'bar') {
      const paths = barPaths({
        stepSeconds: () => this.spec.stepSeconds,
        base: (step) => (stacked && index > 0 ? (this.levels()[index - 1]?.[step] ?? 0) : 0),
        slot: stacked ? 0 : index,
        slots: stacked ? 1 : spec.series.length,
      })
      return [{ stroke: color, width: 0, fill: color, paths, points: { show: false } }]
    }
    const filled = spec.mode === 'area'
    const fill = filled ? { fill: stacked ? this.mixed(color) : faint(color, FILL_ALPHA) } : {}
    const line: uPlot.Series = { stroke: color, width: spec.compact ? 1.25 : 1.5, ...fill, spanGaps: false }
    // Also of the step that is not over: the first value of all must be seen at once.
    const points: uPlot.Series.Points = {
      show: true,
      filter: (plot, sidx) => lonely(plot, sidx, 0, plot.data[0].length - 1),
      size: 4,
      fill: color,
    }
    return [
      { ...line, points },
      { ...line, dash: DASH, points },
    ]
  }

  // Stacked areas cover one another: a colour that is as light as a translucent one, but is not.
  private mixed(color: string): string {
    const [over, under] = [parseColor(color), parseColor(this.theme.surface)]
    if (over === null || under === null) return color
    const mix = (a: number, b: number) => Math.round(a * STACK_ALPHA + b * (1 - STACK_ALPHA))
    return `rgb(${mix(over.r, under.r)} ${mix(over.g, under.g)} ${mix(over.b, under.b)})`
  }

  // A hatch behind the steps that are not over: the bars there will still grow.
  private drawUnfinished(plot: uPlot): void {
    const { spec } = this
    if (spec.unfinished >= this.steps()) return
    const { ctx, bbox } = plot
    const start = plot.valToPos(spec.fromMs / 1000 + spec.unfinished * spec.stepSeconds, 'x', true)
    const left = Math.max(bbox.left, start)
    const right = bbox.left + bbox.width
    if (left >= right) return
    ctx.save()
    ctx.beginPath()
    ctx.rect(left, bbox.top, right - left, bbox.height)
    ctx.clip()
    ctx.strokeStyle = this.theme.grid
    ctx.lineWidth = devicePixelRatio
    const gap = 6 * devicePixelRatio
    ctx.beginPath()
    for (let x = left - bbox.height; x < right; x += gap) {
      ctx.moveTo(x, bbox.top + bbox.height)
      ctx.lineTo(x + bbox.height, bbox.top)
    }
    ctx.stroke()
    ctx.restore()
  }

  // Names stand where there is room for them; all are in the tooltip.
  private drawMarkers(plot: uPlot): void {
    const { fromMs, toMs, markers = [] } = this.spec
    const { ctx, bbox } = plot
    const px = devicePixelRatio
    ctx.save()
    ctx.font = `${MARKER_PX * px}px ${this.theme.family}`
    ctx.textAlign = 'left'
    ctx.textBaseline = 'top'
    ctx.lineWidth = px
    let free = bbox.left
    for (const { atMs, label } of markers) {
      if (atMs < fromMs || atMs > toMs) continue
      const x = Math.round(plot.valToPos(atMs / 1000, 'x', true)) + px / 2
      ctx.strokeStyle = ctx.fillStyle = this.theme.color('--marker')
      ctx.setLineDash([2 * px, 2 * px])
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
      const text = label.length > MARKER_CHARACTERS ? `${label.slice(0, MARKER_CHARACTERS - 1)}…` : label
      const width = ctx.measureText(text).width + 4 * px
      // To the right of its line; at the right edge to the left.
      const left = x + width > bbox.left + bbox.width ? x - width : x - px
      if (left < free) continue
      free = left + width
      ctx.fillText(text, left, bbox.top - (MARKER_PX + 3) * px)
    }
    ctx.restore()
  }

  private zoomed(plot: uPlot): void {
    const { left, width } = plot.select
    if (width < ZOOM_PX_MIN) return
    const from = plot.posToVal(left, 'x') * 1000
    const to = plot.posToVal(left + width, 'x') * 1000
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.events.zoom?.(Math.max(this.spec.fromMs, from), Math.min(this.spec.toMs, to))
  }

  private hovered(plot: uPlot): void {
    const left = plot.cursor.left ?? -1
    if (left < 0) {
      this.tip.hide()
      this.events.hover?.(null)
      return
    }
    const step = this.stepAt(plot, left)
    if (step < 0) return
    this.events.hover?.(step)
    // A synchronised crosshair moves everywhere, the tooltip stands where the pointer is.
    if (plot.cursor.event === undefined || plot.cursor.event === null || !plot.over.matches(':hover')) this.tip.hide()
    else this.showTip(plot, step, left)
  }

  private showTip(plot: uPlot, step: number, left: number): void {
    const { spec } = this
    const at = spec.fromMs + step * spec.stepSeconds * 1000
    const rows = spec.series
      .map((series) => ({
        name: series.name,
        color: this.theme.color(series.color),
        value: series.values[step] ?? null,
      }))
      .filter((row): row is { name: string; color: string; value: number } => row.value !== null)
    // As they lie over each other, unless that would leave the largest out.
    if (this.isStacked() && rows.length <= TIP_ROWS) rows.reverse()
    else rows.sort((a, b) => b.value - a.value)
    const title = formatDateTime(at, spec.zone, spec.stepSeconds < 60 ? 'second' : 'minute')
    const within = (marker: ChartMarker) => Math.abs(marker.atMs - at - (spec.mode === 'bar' ? spec.stepSeconds * 500 : 0)) <= spec.stepSeconds * 500
    const lasting = shadesAt(spec.shades ?? [], at)
    const happened = [...(spec.markers ?? []).filter(within), ...lasting].map((one) => ` · ${one.label}`).join('')
    this.tip.show({
      title: (step >= spec.unfinished ? `${title} · not over yet` : title) + happened,
      rows: rows.map((row) => ({ ...row, text: spec.format.format(row.value) })),
      most: spec.compact && !this.isStacked() ? 1 : TIP_ROWS,
      x: plot.bbox.left / devicePixelRatio + left,
      y: plot.bbox.top / devicePixelRatio + (plot.cursor.top ?? 0),
    })
  }
}

// Values with a gap on both sides: a line cannot show them, a point can.
function lonely(plot: uPlot, series: number, from: number, to: number): number[] {
  const values = plot.data[series] ?? []
  const found: number[] = []
  for (let i = from; i <= to; i++) {
    const has = (at: number) => (values[at] ?? null) !== null
    if (has(i) && !has(i - 1) && !has(i + 1)) found.push(i)
  }
  return found
}
