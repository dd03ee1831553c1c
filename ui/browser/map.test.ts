// The service map in Chromium against the real program: a shop of a dozen nodes, and 200 services with 600 calls.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { edgeId, mapGraph, type MapGraph } from '../src/map/graph'
import { layOut, pointAt, type Point } from '../src/map/layout'
import { fit } from '../src/map/viewport'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import { largeTraffic, shopTraffic, type GraphEdgeAnswer } from './map_traffic'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const LAYOUT_MS_MAX = 300
const SLOW_MACHINE = 5 // times slower than the one that is for

let browser: Browser
beforeAll(async () => {
  browser = await Browser.start()
})
afterAll(() => browser?.close())

const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `map-${name}.png`) })
}
const map = (page: Page) => page.getByRole('listbox', { name: 'Service map' })
const panel = (page: Page, name: string) => page.getByRole('complementary', { name })
const param = (page: Page, key: string) => page.evaluate((name) => new URLSearchParams(location.search).get(name), key)
const names = (page: Page) => map(page).getByRole('option').allInnerTexts().then((texts) => texts.map((text) => text.split(', ')[0])) // prettier-ignore

async function openMap(program: Sightline, search = '', options: PageOptions = {}): Promise<Page> {
  const page = await browser.page(options)
  await page.goto(`${program.url}/map${search}`)
  await map(page).getByRole('option').first().waitFor({ state: 'attached' })
  await settled(page)
  return page
}

// Where something of the whole map is on the screen, as long as it is neither moved nor zoomed.
async function spotOf(page: Page, graph: MapGraph, id: string): Promise<Point> {
  const box = (await map(page).boundingBox())!
  const layout = layOut(graph)
  const view = fit(layout, box.width, box.height)
  const node = layout.boxes.get(id)
  const path = layout.paths.get(id)
  const at = node ? { x: node.x + node.w / 2, y: node.y + node.h / 2 } : pointAt(path!.points, path!.length * 0.4)
  return { x: box.x + (at.x - view.x) * view.scale, y: box.y + (at.y - view.y) * view.scale }
}

describe('an empty program', () => {
  it('says how a map comes to be', async () => {
    const program = await Sightline.start()
    try {
      const page = await browser.page()
      await page.goto(`${program.url}/map`)
      await page.getByRole('heading', { name: 'No map yet' }).waitFor()
      expect(await accessibilityViolations(page)).toEqual([])
      await shot(page, 'empty')
      expect(problems(page)).toEqual([])
      await page.close()
    } finally {
      await program.close()
    }
  })
})

describe('the map of a shop', () => {
  let shop: Sightline
  let edges: GraphEdgeAnswer[]
  let graph: MapGraph
  beforeAll(async () => {
    shop = await Sightline.start()
    edges = await shopTraffic(shop)
    graph = mapGraph(edges, [])
  })
  afterAll(() => shop?.close())

  it('shows all that calls or is called, in both themes, wide and narrow, without a fault', async () => {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 700], ['dark', 700]] as const) {
      const page = await openMap(shop, '?last=1h', { theme, width })
      expect((await names(page)).sort()).toEqual(
        ['Users', 'web', 'catalog', 'search', 'checkout', 'cart', 'pricing', 'payment', 'mailer', 'postgresql/catalog', 'postgresql/ledger', 'elasticsearch', 'redis/0', 'psp.example', 'kafka'].sort(),
      )
      expect(await map(page).getByRole('option', { name: /^payment, Service, .* failed, p95 .*, called by 1, calls 2$/ }).count()).toBe(1)
      expect(await accessibilityViolations(page)).toEqual([])
      await shot(page, `shop-${theme}-${width}`)
      expect(problems(page)).toEqual([])
      await page.close()
    } // prettier-ignore
  })
})

describe('the map of 200 services', () => {
  let program: Sightline
  let graph: MapGraph
  beforeAll(async () => {
    program = await Sightline.start()
    graph = mapGraph(await largeTraffic(program, 200, 600), [])
  })
  afterAll(() => program?.close())

  it('is laid out in time and can be read', async () => {
    for (const theme of ['light', 'dark'] as const) {
      const page = await openMap(program, '?last=1h', { theme })
      const ms = await page.evaluate(() => performance.getEntriesByName('map-layout', 'measure').map((one) => one.duration))
      console.log(`layout of ${graph.nodes.length} nodes and ${graph.edges.length} calls in Chromium: ${ms.map(Math.round).join(', ')} ms`)
      expect(Math.max(...ms)).toBeLessThan(LAYOUT_MS_MAX * SLOW_MACHINE)
      await shot(page, `large-${theme}`)
      await page.close()
    }
  })
})
