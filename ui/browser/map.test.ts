// The service map in Chromium against the real program: a shop of a dozen nodes, and 200 services with 600 calls.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { edgeId, EDGES_MAX, mapGraph, type MapGraph } from '../src/map/graph'
import { layOut, pointAt, type Point } from '../src/map/layout'
import { fit } from '../src/map/viewport'
import { accessibilityViolations, Browser, measureFrames, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import type { ServiceGraphEdge } from '../src/api/types'
import { largeTraffic, shopTraffic } from './map_traffic'

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
  let edges: ServiceGraphEdge[]
  let graph: MapGraph
  beforeAll(async () => {
    shop = await Sightline.start()
    edges = await shopTraffic(shop)
    graph = mapGraph(edges, [])
  })
  afterAll(() => shop?.close())

  const NODES = ['Users', 'web', 'catalog', 'search', 'checkout', 'cart', 'pricing', 'payment', 'mailer', 'postgresql/catalog', 'postgresql/ledger', 'elasticsearch', 'redis/0', 'psp.example', 'kafka'] // prettier-ignore
  const charge = edgeId('service:payment', 'peer:psp.example', 'virtual_node')
  const callUrl = (edge: MapGraph['edges'][number], more = '') =>
    `?last=1h&${new URLSearchParams([['call', edge.from], ['call', edge.to], ['call', edge.type]]).toString()}${more}` // prettier-ignore

  it('shows all that calls or is called, in both themes, wide and narrow, without a fault', async () => {
    for (const [theme, width] of [['light', 1440], ['dark', 1440], ['light', 700], ['dark', 700]] as const) {
      const page = await openMap(shop, '?last=1h', { theme, width })
      expect((await names(page)).sort()).toEqual([...NODES].sort())
      expect(await map(page).getByRole('option', { name: /^payment, Service, .* failed, p95 .*, called by 1, calls 2$/ }).count()).toBe(1)
      expect(await accessibilityViolations(page)).toEqual([])
      await shot(page, `shop-${theme}-${width}`)
      expect(problems(page)).toEqual([])
      await page.close()
    } // prettier-ignore
  })

  it('is reached from the rail, by keys, and from the page of a service', async () => {
    const page = await browser.page()
    await page.goto(`${shop.url}/services/cart?last=1h`)
    await page.getByRole('navigation', { name: 'Of this service' }).getByRole('link', { name: 'Map' }).click()
    await waitUntil(async () => (await param(page, 'focus')) === 'service:cart', 'the map around the cart')
    await map(page).getByRole('option').first().waitFor({ state: 'attached' })
    expect((await names(page)).sort()).toEqual(['cart', 'checkout', 'pricing', 'redis/0'])
    await page.keyboard.press('g')
    await page.keyboard.press('h')
    await waitUntil(() => new URL(page.url()).pathname === '/', 'Home')
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await waitUntil(() => new URL(page.url()).pathname === '/map', 'the map')
    await map(page).getByRole('option', { name: /^Users/ }).waitFor({ state: 'attached' })
    expect((await names(page)).length).toBe(NODES.length)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says what is under the pointer, and opens what is clicked', async () => {
    const page = await openMap(shop, '?last=1h')
    const payment = await spotOf(page, graph, 'service:payment')
    await page.mouse.move(payment.x, payment.y)
    await page.getByText('Called by 1, calls 2', { exact: true }).waitFor()
    await shot(page, 'shop-hover')
    await page.mouse.click(payment.x, payment.y)
    const node = panel(page, 'payment')
    await node.waitFor()
    expect(await param(page, 'node')).toBe('service:payment')
    await page.mouse.move(2, 2)
    await settled(page)
    await shot(page, 'shop-node')
    expect(await node.getByRole('region', { name: 'Called by' }).getByRole('listitem').count()).toBe(1)
    expect(await node.getByRole('region', { name: 'Calls' }).getByRole('listitem').count()).toBe(2)
    expect(await accessibilityViolations(page)).toEqual([])
    await node.getByRole('region', { name: 'Calls' }).getByRole('link', { name: 'psp.example' }).click()
    await panel(page, 'psp.example').waitFor()
    await page.goBack()
    await node.getByRole('link', { name: 'Service', exact: true }).click()
    await waitUntil(() => new URL(page.url()).pathname === '/services/payment', 'the page of the service')
    await page.goBack()
    await node.waitFor()
    await page.keyboard.press('Escape')
    await node.waitFor({ state: 'detached' })
    const spot = await spotOf(page, graph, charge)
    await page.mouse.move(spot.x, spot.y)
    await page.getByText('payment → psp.example').waitFor()
    await page.mouse.click(spot.x, spot.y)
    await panel(page, 'Call').waitFor()
    expect(await page.evaluate(() => new URLSearchParams(location.search).getAll('call'))).toEqual(['service:payment', 'peer:psp.example', 'virtual_node'])
    expect(await accessibilityViolations(page)).toEqual([])
    await page.mouse.move(2, 2)
    await shot(page, 'shop-call')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('leads from each call to exactly its traces', async () => {
    const page = await openMap(shop, '?last=1h')
    for (const edge of graph.edges) {
      await page.goto(`${shop.url}/map${callUrl(edge)}`)
      const links = panel(page, 'Call').getByRole('navigation', { name: 'Of this call' })
      await links.waitFor()
      const href = async (name: string) => new URL((await links.getByRole('link', { name, exact: true }).getAttribute('href'))!, shop.url).searchParams
      const found = async (q: string | null) => {
        const list = await shop.ask<{ traces: object[] }>(`/traces?last=1h&limit=1000&q=${encodeURIComponent(q ?? '')}`)
        return list?.traces.length
      }
      // No trace makes the same call twice.
      expect([edge.from, edge.to, await found((await href('Traces')).get('q'))]).toEqual([edge.from, edge.to, edge.calls])
      expect(await links.getByRole('link', { name: 'Failed' }).count()).toBe(edge.errors > 0 ? 1 : 0)
      if (edge.errors > 0) expect([edge.from, edge.to, await found((await href('Failed')).get('q'))]).toEqual([edge.from, edge.to, edge.errors])
    }
    await page.goto(`${shop.url}/map${callUrl(graph.edges.find((one) => one.id === charge)!)}`)
    await panel(page, 'Call').getByRole('link', { name: 'Failed' }).click()
    await waitUntil(() => new URL(page.url()).pathname === '/traces', 'the traces')
    await page.getByRole('row').getByText('POST /orders').first().waitFor()
    await settled(page)
    await shot(page, 'shop-traces-of-call')
    expect(problems(page)).toEqual([])
    await page.close()
  }, 120_000) // two or three pages for each call

  it('shows a part: around a node, by name, only what fails, without databases and peers', async () => {
    const page = await openMap(shop, '?last=1h')
    const cart = await spotOf(page, graph, 'service:cart')
    await page.mouse.dblclick(cart.x, cart.y)
    await waitUntil(async () => (await names(page)).length === 4, 'the cart and what is around it')
    await page.mouse.move(2, 2)
    await shot(page, 'shop-focus')
    await page.getByRole('radio', { name: '2 calls' }).click()
    await waitUntil(async () => (await names(page)).includes('web'), 'who calls its callers')
    await page.getByRole('radio', { name: 'All', exact: true }).click()
    await waitUntil(async () => (await names(page)).includes('postgresql/catalog'), 'all that it depends on')
    expect((await names(page)).sort()).toEqual(['Users', 'cart', 'catalog', 'checkout', 'postgresql/catalog', 'pricing', 'redis/0', 'web'])
    await page.getByRole('button', { name: 'Remove around cart' }).click()
    await waitUntil(async () => (await names(page)).length === NODES.length, 'all')
    await page.getByRole('button', { name: 'Databases' }).click()
    await page.getByRole('button', { name: 'Peers' }).click()
    await waitUntil(async () => (await names(page)).every((name) => !/postgresql|redis|elastic|psp|kafka/.test(name ?? '')), 'only services')
    await page.getByRole('button', { name: 'Peers' }).click()
    await page.getByRole('button', { name: 'Failing' }).click()
    await waitUntil(async () => (await names(page)).length === 5, 'the way of the failure')
    expect((await names(page)).sort()).toEqual(['Users', 'checkout', 'payment', 'psp.example', 'web'])
    await shot(page, 'shop-failing')
    await page.keyboard.press('/')
    await page.keyboard.type('nowhere')
    await page.getByRole('heading', { name: 'No such call fails' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Show all' }).click()
    await waitUntil(async () => (await names(page)).length === NODES.length, 'all again')
    await page.keyboard.press('/')
    await page.keyboard.type('psp')
    await waitUntil(async () => (await names(page)).length === 2, 'what is found')
    await page.keyboard.press('Enter')
    await panel(page, 'psp.example').waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('is walked by keyboard', async () => {
    const page = await openMap(shop, '?last=1h')
    const at = () => map(page).evaluate((element) => document.getElementById(element.getAttribute('aria-activedescendant') ?? '')?.textContent?.split(', ')[0])
    await page.getByRole('radio', { name: 'Map' }).focus()
    await page.keyboard.press('Tab')
    expect(await map(page).evaluate((element) => element === document.activeElement)).toBe(true)
    expect(await at()).toBe('Users')
    await page.keyboard.press('ArrowRight')
    expect(await at()).toBe('web')
    await page.keyboard.press('ArrowLeft')
    expect(await at()).toBe('Users')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    expect(await at()).toBe('kafka') // of those with the most calls, the first
    await page.keyboard.press('ArrowUp')
    expect(await at()).toBe('checkout')
    await page.keyboard.press('Enter')
    await panel(page, (await at())!).waitFor()
    await page.keyboard.press('Escape')
    await panel(page, (await at())!).waitFor({ state: 'detached' })
    expect(await map(page).evaluate((element) => element === document.activeElement)).toBe(true)
    const before = await map(page).locator('canvas').screenshot()
    await page.keyboard.press('Shift+ArrowRight')
    await waitUntil(async () => !before.equals(await map(page).locator('canvas').screenshot()), 'the map moved')
    await page.keyboard.press('f')
    await waitUntil(async () => (await param(page, 'focus')) !== null, 'the focus')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('is a table, too, with exact figures, sorted by any', async () => {
    for (const [theme, width] of [['light', 1440], ['dark', 700]] as const) {
      const page = await browser.page({ theme, width })
      await page.goto(`${shop.url}/map?last=1h&view=table`)
      const table = page.getByRole('table', { name: 'Calls' })
      await table.waitFor()
      const cells = (column: number) => table.locator('.row').evaluateAll((rows, at) => rows.map((row) => row.children[at]?.textContent?.trim() ?? ''), column)
      await waitUntil(async () => (await cells(0)).length === graph.edges.length, 'all calls')
      await settled(page)
      expect(await accessibilityViolations(page)).toEqual([])
      await shot(page, `shop-table-${theme}-${width}`)
      await table.getByRole('button', { name: 'Errors' }).click()
      await waitUntil(async () => /^5\s%$/.test((await cells(3))[0] ?? ''), 'most failures first')
      await table.getByRole('button', { name: 'Callee', exact: true }).click()
      await waitUntil(async () => (await cells(1))[0] === 'cart', 'by name')
      expect(await cells(1)).toEqual([...(await cells(1))].sort((a, b) => a.localeCompare(b)))
      await table.getByRole('link', { name: 'payment' }).first().click()
      await panel(page, 'Call').waitFor()
      expect(problems(page)).toEqual([])
      await page.close()
    }
  })

  it('moves nothing when the same is asked again, however far it is zoomed', async () => {
    const to = BigInt(Date.now() - 120_000) * 1_000_000n // over: no rate changes any more
    const page = await openMap(shop, `?from=${to - 3_600_000_000_000n}&to=${to}`)
    const drawn = () => map(page).locator('canvas').evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()) // prettier-ignore
    const refresh = async () => {
      const answered = Promise.all(['service-graph', 'services'].map((path) => page.waitForResponse((response) => response.url().includes(`/api/v1/${path}?`)).then((response) => response.finished())))
      await page.keyboard.press('r')
      await answered
      await settled(page)
      await page.waitForFunction(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true)))))
    }
    await refresh() // the figures of services are there, too
    const whole = await drawn()
    await refresh()
    expect((await drawn()) === whole).toBe(true)
    await page.getByRole('button', { name: 'Larger (+)' }).click()
    await waitUntil(async () => (await drawn()) !== whole, 'it is larger')
    const larger = await drawn()
    await refresh()
    expect((await drawn()) === larger).toBe(true)
    await page.getByRole('button', { name: 'Fit all (0)' }).click()
    await waitUntil(async () => (await drawn()) === whole, 'all of it')
    expect(await page.evaluate(() => performance.getEntriesByName('map-layout', 'measure').length)).toBe(1)
    await page.close()
  })

  it('keeps what it shows when the next answer fails, and says what went wrong', async () => {
    const page = await openMap(shop, '?last=1h')
    const body = JSON.stringify({ error: { code: 'INTERNAL', message: 'the query was ended', where: null, hint: null } })
    await page.route('**/api/v1/service-graph*', (route) => route.fulfill({ status: 500, contentType: 'application/json', body }))
    await page.keyboard.press('r')
    await page.getByRole('alert').waitFor()
    expect((await names(page)).length).toBe(NODES.length)
    await shot(page, 'shop-error')
    await page.reload()
    await page.getByRole('alert').waitFor()
    await page.unroute('**/api/v1/service-graph*')
    await page.getByRole('button', { name: 'Retry' }).click()
    await map(page).getByRole('option').first().waitFor({ state: 'attached' })
    await page.close()
  })

  it('asks for all pages up to a limit, and says that there are more', async () => {
    const page = await browser.page()
    let pages = 0
    await page.route('**/api/v1/service-graph*', (route) => {
      const first = 1000 * pages++
      const made = Array.from({ length: 1000 }, (_, i) => {
        const client = (first + i) % 200
        return { ...edges[0]!, client: `s${client}`, server: `s${(client + 1 + Math.floor((first + i) / 200)) % 300}`, connection_type: '', server_side: edges[0]!.client_side ?? edges[0]!.server_side }
      })
      return route.fulfill({ json: { from_unix_nano: '0', to_unix_nano: '1', edges: made, next_cursor: `page-${pages}`, scanned: { rows: 1, bytes: 1, elapsed_seconds: 0 } } })
    })
    await page.goto(`${shop.url}/map?last=1h`)
    await page.getByText('These are the 4,000 calls that are made most; there are more.').waitFor()
    await map(page).getByRole('option').first().waitFor({ state: 'attached' })
    expect(pages).toBe(EDGES_MAX / 1000)
    const ms = await page.evaluate(() => performance.getEntriesByName('map-layout', 'measure').map((one) => one.duration))
    console.log(`layout of 300 nodes and 4,000 calls in Chromium: ${ms.map(Math.round).join(', ')} ms`)
    await shot(page, 'cut')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says what a call is when there is none in the time', async () => {
    const page = await browser.page()
    await page.goto(`${shop.url}/map?from=1700000000000000000&to=1700003600000000000`)
    await page.getByRole('heading', { name: 'No calls in this time' }).waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await shot(page, 'shop-no-calls')
    await page.getByRole('button', { name: 'The newest' }).click()
    await map(page).getByRole('option').first().waitFor({ state: 'attached' })
    await page.close()
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
      expect((await names(page)).length).toBe(graph.nodes.length)
      expect(await accessibilityViolations(page)).toEqual([])
      await shot(page, `large-${theme}`)
      const busiest = graph.nodes.reduce((best, node) => (graph.edges.filter((edge) => edge.to === node.id || edge.from === node.id).length > graph.edges.filter((edge) => edge.to === best.id || edge.from === best.id).length && node.kind === 'service' ? node : best))
      const spot = await spotOf(page, graph, busiest.id)
      await page.mouse.move(spot.x, spot.y)
      await page.getByText(/^Called by \d+/).waitFor()
      await shot(page, `large-hover-${theme}`)
      await page.mouse.wheel(0, -420)
      await page.mouse.move(4, 4)
      await shot(page, `large-zoomed-${theme}`)
      await page.goto(`${program.url}/map?last=1h&focus=${encodeURIComponent(busiest.id)}`)
      await map(page).getByRole('option').first().waitFor({ state: 'attached' })
      await settled(page)
      await shot(page, `large-focus-${theme}`)
      await page.close()
    }
  })

  it('follows the hand without a layout of its own', async () => {
    const page = await openMap(program, '?last=1h')
    const box = (await map(page).boundingBox())!
    const [x, y] = [box.x + box.width / 2, box.y + 8]
    const figures = await measureFrames(page, async () => {
      await page.mouse.move(x, y)
      await page.mouse.down()
      for (let i = 0; i < 60; i++) await page.mouse.move(x + 3 * Math.sin(i / 5) * 40, y + i * 2)
      await page.mouse.up()
      for (let i = 0; i < 30; i++) await page.mouse.wheel(0, i < 15 ? -60 : 60)
    })
    console.log(`frames while a map of 200 services is moved and zoomed: ${JSON.stringify(figures)}`)
    expect(figures.frames).toBeGreaterThan(10)
    expect(await page.evaluate(() => performance.getEntriesByName('map-layout', 'measure').length)).toBe(1)
    expect(problems(page)).toEqual([])
    await page.close()
  })
})
