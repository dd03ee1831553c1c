// Draws the map onto a canvas: calls as lines whose width is their rate and whose red part is the share that failed, nodes above
// them. How much is said depends on how large it is seen.
import { seriesIndex } from '../base/colors'
import { roundedRect, type Palette, type TextWidths } from '../flame/paint'
import { ICONS, type IconName } from '../widgets/icons'
import { edgeFigures, edgeWidth, isFailing, nodeFigures, nodeName, type Figures } from './figures'
import { isAsync, share, type MapEdge, type MapGraph, type MapNode, type NodeKind } from './graph'
import type { Box, Layout, Path, Point } from './layout'
import type { Viewport } from './viewport'

export interface Shown {
  graph: MapGraph
  layout: Layout
}

// What is pointed at, chosen, or under the keyboard: ids of nodes or edges.
export interface Marks {
  hovered: string | null
  chosen: string | null
  active: string | null // a node
}

const NODE_ICONS: Record<NodeKind, IconName | null> = { service: null, database: 'database', messaging: 'queue', peer: 'globe', user: 'person' }
const DIM = 0.14
const LABEL_SCALE_MIN = 0.8 // smaller, labels of calls have no room
const FAILED_SCALE_MIN = 0.45 // but how many fail, and those of what stands out
const NAME_PX_MIN = 13 // height of a node that shows its name
const FIGURES_PX_MIN = 32 // and its figures
const LINES_PX_MIN = 39 // and those in two lines
const FAILED_PX_MIN = 12 // however few failed, they are seen
const ARROW = 7
const LINE = 1.22 // height of a line for that of its letters
const ICON_PX_MIN = 10.5 // height of letters beside which icons have room
const LINE_ALPHA = { roomy: 0.5, crowded: 0.18, dim: 0.06 } // many lines over each other are dark enough
const FAILED_ALPHA = 3 // times that of the line

export class MapPainter {
  private readonly icons = new Map<IconName, Path2D>()
  private scaleNow = 1

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly palette: Palette,
    private readonly widths: (font: string) => TextWidths,
  ) {}

  draw(shown: Shown, view: Viewport, marks: Marks, width: number, height: number): void {
    const { context, palette } = this
    const { graph, layout } = shown
    context.fillStyle = palette.surface
    context.fillRect(0, 0, width, height)
    this.scaleNow = view.scale
    const lit = litBy(graph, marks)
    const seen = (box: Box) => box.x + box.w >= view.x && box.y + box.h >= view.y && box.x <= view.x + width / view.scale && box.y <= view.y + height / view.scale
    const most = Math.max(0, ...graph.edges.map((edge) => edge.rate))
    const taken: Box[] = []
    // What stands out is drawn above all else.
    for (const above of lit === null ? [true] : [false, true]) {
      const stands = (list: Set<string> | undefined, id: string) => list === undefined || list.has(id) === above
      for (const edge of graph.edges) {
        const path = layout.paths.get(edge.id)
        const alpha = lit === null ? (layout.roomy ? LINE_ALPHA.roomy : LINE_ALPHA.crowded) : above ? 1 : LINE_ALPHA.dim
        if (path && stands(lit?.edges, edge.id)) this.edge(edge, path, view, edgeWidth(edge.rate, most), alpha)
      }
      for (const node of graph.nodes) {
        const box = layout.boxes.get(node.id)
        if (box === undefined || !seen(box) || !stands(lit?.nodes, node.id)) continue
        this.node(node, box, view, marks, !above)
        if (above) taken.push(toScreen(view, box))
      }
    }
    // What stands out, and where few are; those that fail before others, in case there is no room for all.
    const labelled = graph.edges.filter((edge) => (lit ? lit.edges.has(edge.id) : layout.roomy)).sort((a, b) => share(b) - share(a))
    for (const edge of labelled) this.label(edge, layout.paths.get(edge.id), view, lit !== null, taken)
    context.globalAlpha = 1
  }

  // ---- calls

  private edge(edge: MapEdge, { points, length }: Path, view: Viewport, fullWidth: number, alpha: number): void {
    const { context, palette } = this
    const { scale } = view
    const width = Math.max(0.8, fullWidth * Math.min(1, scale))
    context.globalAlpha = alpha
    context.lineWidth = width
    context.lineJoin = 'round'
    context.strokeStyle = context.fillStyle = palette.text3
    context.setLineDash(isAsync(edge) ? [Math.max(4, width * 2), Math.max(3, width * 1.5)] : [])
    this.trace(points, view)
    context.stroke()
    const failed = share(edge)
    if (failed > 0) {
      const whole = length * scale
      const part = Math.min(whole, Math.max(FAILED_PX_MIN, whole * failed))
      context.globalAlpha = Math.min(1, alpha * FAILED_ALPHA)
      context.strokeStyle = context.fillStyle = palette.errorMark
      context.setLineDash([part, whole + 1])
      context.lineDashOffset = part - whole // its end
      context.lineWidth = Math.max(1.5, width)
      context.stroke()
      context.lineDashOffset = 0
    }
    context.setLineDash([])
    if (scale > 0.3) this.arrow(points, view, Math.max(ARROW, width * 2) * Math.min(1, scale))
  }

  private trace(points: Float64Array, { x, y, scale }: Viewport): void {
    const { context } = this
    context.beginPath()
    for (let i = 0; i < points.length; i += 2) context.lineTo((points[i]! - x) * scale, (points[i + 1]! - y) * scale)
  }

  private arrow(points: Float64Array, { x, y, scale }: Viewport, size: number): void {
    const [ax = 0, ay = 0, bx = 0, by = 0] = points.slice(-4)
    const angle = Math.atan2(by - ay, bx - ax)
    const [tipX, tipY] = [(bx - x) * scale, (by - y) * scale]
    const { context } = this
    context.beginPath()
    context.moveTo(tipX, tipY)
    for (const side of [-1, 1]) context.lineTo(tipX - size * Math.cos(angle + side * 0.42), tipY - size * Math.sin(angle + side * 0.42))
    context.fill()
  }

  // Where a node or another one stands already it is left out: the panel has it.
  private label(edge: MapEdge, path: Path | undefined, view: Viewport, isLit: boolean, taken: Box[]): void {
    if (path === undefined) return
    const { context, palette } = this
    const parts = partsOf(edgeFigures(edge))
    const whole = view.scale >= (isLit ? FAILED_SCALE_MIN : LABEL_SCALE_MIN)
    const lines = (whole ? [parts.slice(0, 1), parts.slice(1)] : [parts.filter((part) => part.failed && view.scale >= FAILED_SCALE_MIN)]).filter((line) => line.length > 0)
    if (lines.length === 0) return
    const size = Math.min(13, Math.max(10.5, 11 * view.scale))
    const widths = lines.map((parts) => this.partsWidth(parts, size))
    const line = size * LINE
    const at = { x: (path.middle.x - view.x) * view.scale, y: (path.middle.y - view.y) * view.scale }
    const [w, h] = [Math.max(...widths) + 6, lines.length * line + 2]
    const box = { x: at.x - w / 2, y: at.y - h / 2, w, h }
    if (taken.some((other) => overlap(other, box))) return
    taken.push(box)
    context.globalAlpha = 1
    context.fillStyle = palette.surface
    roundedRect(context, box.x, box.y, box.w, box.h, 4)
    lines.forEach((parts, i) => this.parts(parts, at.x - (widths[i] ?? 0) / 2, at.y + (i - (lines.length - 1) / 2) * line, size, palette.text2))
  }

  // ---- nodes

  private node(node: MapNode, box: Box, view: Viewport, marks: Marks, dim: boolean): void {
    const { context, palette } = this
    const { x, y, w, h } = toScreen(view, box)
    const small = Math.min(1, view.scale)
    const round = 6 * small
    context.globalAlpha = 1
    context.fillStyle = palette.surface // what runs below it does not shine through
    roundedRect(context, x, y, w, h, round)
    context.globalAlpha = dim ? 2 * DIM : 1
    if (node.kind !== 'service') {
      context.fillStyle = palette.sunken
      roundedRect(context, x, y, w, h, round)
    }
    const marked = marks.chosen === node.id || marks.active === node.id
    context.lineWidth = marked ? 2 : 1
    context.strokeStyle = marks.chosen === node.id ? palette.accent : marks.active === node.id ? palette.text2 : isFailing(node) ? palette.errorMark : palette.lineStrong
    context.beginPath()
    context.roundRect(x + 0.5, y + 0.5, w - 1, h - 1, round)
    context.stroke()
    const isService = node.kind === 'service'
    const color = isService ? (palette.series[seriesIndex(node.name)] ?? palette.text3) : palette.text3
    let left = x + 9 * small
    if (isService) {
      const strip = Math.max(2.5, 4 * small)
      context.fillStyle = color
      context.beginPath()
      context.roundRect(x + 1, y + 1, strip, h - 2, [Math.max(0, round - 1), 0, 0, Math.max(0, round - 1)])
      context.fill()
      left = x + strip + 6 * small
    }
    if (h < NAME_PX_MIN) return
    const right = x + w - 5 * small
    const size = Math.min(16, Math.max(h < 18 ? 10 : 10.5, 13 * view.scale))
    const figures = h < FIGURES_PX_MIN ? [] : this.figureLines(node, right - left, h)
    const lines = [size * LINE, ...figures.map(() => FIGURE_PX(view.scale) * LINE)]
    let at = y + h / 2 - lines.reduce((sum, one) => sum + one, 0) / 2
    const middle = (i: number) => (at += lines[i] ?? 0) - (lines[i] ?? 0) / 2
    this.nameLine(node, color, left, right, middle(0), size)
    figures.forEach((parts, i) => this.parts(parts, left, middle(i + 1), FIGURE_PX(view.scale), palette.text2))
  }

  // In one line if they fit, else in two if there is room; what has none is left out, failures last.
  private figureLines(node: MapNode, room: number, height: number): Part[][] {
    const parts = partsOf(nodeFigures(node))
    const size = FIGURE_PX(this.scaleNow)
    const fits = (some: readonly Part[]) => this.partsWidth(some, size) <= room
    if (parts.length < 2 || fits(parts)) return parts.length === 0 ? [] : [parts]
    const first = parts.slice(0, -1)
    if (height >= LINES_PX_MIN) return fits(first) ? [first, parts.slice(-1)] : [parts.slice(0, 1), parts.slice(1)]
    return [fits(first) ? first : [parts.find((part) => part.failed) ?? parts[0]!]]
  }

  private nameLine(node: MapNode, color: string, from: number, to: number, y: number, size: number): void {
    const { context, palette } = this
    let left = from
    const icon = NODE_ICONS[node.kind]
    if (icon && size >= ICON_PX_MIN) {
      const px = Math.min(16, size + 1)
      this.icon(icon, left, y - px / 2, px, color)
      left += px + 4
    }
    const font = `500 ${size}px ${palette.font}`
    context.font = font
    context.fillStyle = palette.text
    context.textBaseline = 'middle'
    context.textAlign = 'left'
    context.fillText(this.cut(nodeName(node), to - left, font), left, y)
  }

  // Names differ at their ends: what is cut is their middle.
  private cut(name: string, room: number, font: string): string {
    const widths = this.widths(font)
    const width = widths.of(this.context, name)
    if (width <= room) return name
    for (let letters = Math.floor((name.length * room) / width); letters >= 3; letters--) {
      const head = Math.ceil((letters - 1) * 0.45)
      const text = `${name.slice(0, head)}…${name.slice(name.length - (letters - 1 - head))}`
      if (widths.of(this.context, text) <= room) return text
    }
    return ''
  }

  private icon(name: IconName, x: number, y: number, px: number, color: string): void {
    let path = this.icons.get(name)
    if (path === undefined) this.icons.set(name, (path = new Path2D(ICONS[name])))
    const { context } = this
    context.save()
    context.translate(x, y)
    context.scale(px / 16, px / 16)
    context.strokeStyle = color
    context.lineWidth = 1.4
    context.lineCap = context.lineJoin = 'round'
    context.stroke(path)
    context.restore()
  }

  // ---- figures: parts with a point between them, failures in red

  private partsWidth(parts: readonly Part[], size: number): number {
    const font = `${size}px ${this.palette.font}`
    this.context.font = font
    return this.widths(font).of(this.context, parts.map((part) => part.text).join(BETWEEN))
  }

  private parts(parts: readonly Part[], x: number, y: number, size: number, color: string): void {
    const { context, palette } = this
    const font = `${size}px ${palette.font}`
    context.font = font
    context.textBaseline = 'middle'
    context.textAlign = 'left'
    let left = x
    parts.forEach((part, i) => {
      const text = i === 0 ? part.text : BETWEEN + part.text
      if (part.failed && i > 0) {
        context.fillStyle = color
        context.fillText(BETWEEN, left, y)
        context.fillStyle = palette.error
        context.fillText(part.text, left + this.widths(font).of(context, BETWEEN), y)
      } else {
        context.fillStyle = part.failed ? palette.error : color
        context.fillText(text, left, y)
      }
      left += this.widths(font).of(context, text)
    })
  }
}

interface Part {
  text: string
  failed: boolean
}
const BETWEEN = ' · '
const FIGURE_PX = (scale: number) => Math.min(14, Math.max(10.5, 11.5 * scale))

function partsOf({ rate, failed, p95 }: Figures): Part[] {
  return [
    { text: rate, failed: false },
    { text: failed, failed: true },
    { text: p95, failed: false },
  ].filter((part) => part.text !== '')
}

function toScreen(view: Viewport, box: Box): Box {
  return { x: (box.x - view.x) * view.scale, y: (box.y - view.y) * view.scale, w: box.w * view.scale, h: box.h * view.scale }
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

// What stands out: what is pointed at or chosen, with what it is tied to. Null: nothing does.
export function litBy(graph: MapGraph, { hovered, chosen }: Marks): { nodes: Set<string>; edges: Set<string> } | null {
  const wanted = hovered ?? chosen
  if (wanted === null) return null
  const edges = graph.edges.filter((edge) => edge.id === wanted || edge.from === wanted || edge.to === wanted)
  const nodes = new Set(edges.flatMap((edge) => [edge.from, edge.to]))
  if (graph.nodes.some((node) => node.id === wanted)) nodes.add(wanted)
  return nodes.size === 0 ? null : { nodes, edges: new Set(edges.map((edge) => edge.id)) }
}

export function toDrawing(view: Viewport, x: number, y: number): Point {
  return { x: view.x + x / view.scale, y: view.y + y / view.scale }
}
