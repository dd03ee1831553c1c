// Draws the map onto a canvas: calls as lines whose width is their rate and whose red part is the share that failed, nodes above
// them. How much is said depends on how large it is seen.
import { seriesIndex } from '../base/colors'
import { roundedRect, type Palette, type TextWidths } from '../flame/paint'
import { ICONS, type IconName } from '../widgets/icons'
import { edgeFigures, edgeWidth, nodeFigures, nodeName, type Figures } from './figures'
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
const DIM = 0.16
const LABEL_SCALE_MIN = 0.72 // smaller, labels of calls cannot be read
const NAME_PX_MIN = 14 // height of a node that shows its name
const FIGURES_PX_MIN = 34 // and its figures
const FAILED_PX_MIN = 10 // however few failed, they are seen
const ARROW = 7

export class MapPainter {
  private readonly icons = new Map<IconName, Path2D>()

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
    const lit = litBy(graph, marks)
    const seen = (box: Box) => box.x + box.w >= view.x && box.y + box.h >= view.y && box.x <= view.x + width / view.scale && box.y <= view.y + height / view.scale
    // What stands out is drawn last.
    const edges = [...graph.edges].sort((a, b) => Number(lit?.edges.has(a.id) ?? false) - Number(lit?.edges.has(b.id) ?? false))
    for (const edge of edges) {
      const path = layout.paths.get(edge.id)
      if (path) this.edge(edge, path, view, lit === null ? null : lit.edges.has(edge.id), !layout.roomy)
    }
    for (const node of graph.nodes) {
      const box = layout.boxes.get(node.id)
      if (box && seen(box)) this.node(node, box, view, marks, lit !== null && !lit.nodes.has(node.id))
    }
    const labelled = view.scale < LABEL_SCALE_MIN ? [] : edges.filter((edge) => (lit ? lit.edges.has(edge.id) : layout.roomy))
    const taken: Box[] = []
    for (const edge of labelled) this.label(edge, layout.paths.get(edge.id), view, taken)
    context.globalAlpha = 1
  }

  // ---- calls

  // `lit`: null where nothing stands out.
  private edge(edge: MapEdge, { points, length }: Path, view: Viewport, lit: boolean | null, crowded: boolean): void {
    const { context, palette } = this
    const { scale } = view
    const width = edgeWidth(edge.rate) * Math.min(1, Math.max(0.35, scale))
    context.globalAlpha = lit === false ? DIM : lit === null && crowded ? 0.62 : 1
    context.lineWidth = width
    context.lineJoin = 'round'
    context.strokeStyle = lit ? palette.text3 : palette.lineStrong
    const dash = isAsync(edge) ? [Math.max(4, width * 2), Math.max(4, width * 2)] : []
    context.setLineDash(dash)
    this.trace(points, view)
    context.stroke()
    const failed = share(edge)
    if (failed > 0) {
      const whole = length * scale
      const part = Math.min(whole, Math.max(FAILED_PX_MIN, whole * failed))
      context.strokeStyle = palette.errorMark
      context.setLineDash([part, whole + 1])
      context.lineDashOffset = part - whole // its end
      context.stroke()
      context.lineDashOffset = 0
    }
    context.setLineDash([])
    context.fillStyle = failed > 0 ? palette.errorMark : lit ? palette.text3 : palette.lineStrong
    if (scale > 0.3) this.arrow(points, view, Math.max(ARROW, width * 1.8) * Math.min(1, scale))
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

  // Where another one stands already it is left out: the panel has it.
  private label(edge: MapEdge, path: Path | undefined, view: Viewport, taken: Box[]): void {
    if (path === undefined) return
    const { context, palette } = this
    const figures = edgeFigures(edge)
    const size = Math.min(12, Math.max(11, 11 * view.scale))
    const parts = partsOf(figures)
    const width = this.partsWidth(parts, size)
    const at = { x: (path.middle.x - view.x) * view.scale, y: (path.middle.y - view.y) * view.scale }
    const box = { x: at.x - width / 2 - 5, y: at.y - 9, w: width + 10, h: 18 }
    if (taken.some((other) => overlap(other, box))) return
    taken.push(box)
    context.globalAlpha = 1
    context.fillStyle = palette.surface
    roundedRect(context, box.x, box.y, box.w, box.h, 4)
    this.parts(parts, at.x - width / 2, at.y, size, palette.text2)
  }

  // ---- nodes

  private node(node: MapNode, box: Box, view: Viewport, marks: Marks, dim: boolean): void {
    const { context, palette } = this
    const { scale } = view
    const [x, y, w, h] = [(box.x - view.x) * scale, (box.y - view.y) * scale, box.w * scale, box.h * scale]
    context.globalAlpha = 1
    context.fillStyle = palette.surface // what runs below it does not shine through
    roundedRect(context, x, y, w, h, 6 * Math.min(1, scale))
    context.globalAlpha = dim ? DIM * 1.6 : 1
    context.fillStyle = node.kind === 'service' ? palette.surface : palette.sunken
    roundedRect(context, x, y, w, h, 6 * Math.min(1, scale))
    const chosen = marks.chosen === node.id
    context.lineWidth = chosen || marks.active === node.id ? 2 : 1
    context.strokeStyle = chosen ? palette.accent : marks.active === node.id ? palette.text3 : palette.lineStrong
    context.beginPath()
    context.roundRect(x + 0.5, y + 0.5, w - 1, h - 1, 6 * Math.min(1, scale))
    context.stroke()
    const color = node.kind === 'service' ? (palette.series[seriesIndex(node.name)] ?? palette.text3) : palette.text3
    let left = x + 10 * Math.min(1, scale)
    if (node.kind === 'service') {
      context.fillStyle = color
      const strip = Math.max(2, 4 * Math.min(1, scale))
      context.beginPath()
      context.roundRect(x + 1, y + 1, strip, h - 2, [5 * Math.min(1, scale), 0, 0, 5 * Math.min(1, scale)])
      context.fill()
      left = x + strip + 7 * Math.min(1, scale)
    }
    if (h < NAME_PX_MIN) return
    const failing = node.errors > 0 && node.kind !== 'user'
    const twoLines = h >= FIGURES_PX_MIN && partsOf(nodeFigures(node)).length > 0
    const size = Math.min(16, Math.max(10.5, 13 * scale))
    const nameY = twoLines ? y + h * 0.33 : y + h / 2
    const icon = NODE_ICONS[node.kind]
    if (icon && h >= 18) {
      const px = Math.min(16, Math.max(11, 14 * scale))
      this.icon(icon, left, nameY - px / 2, px, color)
      left += px + 5
    }
    let right = x + w - 6
    if (failing && !twoLines) {
      context.fillStyle = palette.errorMark
      context.beginPath()
      context.arc(right - 3, y + h / 2, 3, 0, 2 * Math.PI)
      context.fill()
      right -= 10
    }
    const font = `500 ${size}px ${palette.font}`
    context.font = font
    context.fillStyle = palette.text
    context.textBaseline = 'middle'
    context.textAlign = 'left'
    context.fillText(this.widths(font).fit(context, nodeName(node), right - left), left, nameY)
    if (!twoLines) return
    const small = Math.min(14, Math.max(10.5, 11.5 * scale))
    const from = x + (node.kind === 'service' ? 4 * Math.min(1, scale) + 7 * Math.min(1, scale) : 10 * Math.min(1, scale))
    let parts = partsOf(nodeFigures(node))
    while (parts.length > 1 && this.partsWidth(parts, small) > x + w - 6 - from) parts = parts.slice(0, -1)
    this.parts(parts, from, y + h * 0.7, small, palette.text2)
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
const BETWEEN = '  ·  '

function partsOf({ rate, failed, p95 }: Figures): Part[] {
  return [
    { text: rate, failed: false },
    { text: failed, failed: true },
    { text: p95, failed: false },
  ].filter((part) => part.text !== '')
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
