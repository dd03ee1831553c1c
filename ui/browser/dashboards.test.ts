// Dashboards in Chromium against the real program: one is built from nothing, changed, saved, exported, imported and shared; those
// that are ready show what the data has.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, settled, Sightline, waitUntil, type PageOptions } from './harness'
import { logsRequest, tracesRequest, type SpanSketch } from './otlp'

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
const REQUESTS = 240
const MS = 1_000_000n

let sightline: Sightline
let browser: Browser

// Numbers with a fixed seed.
let state = 11
const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join('')

function request(startNano: bigint): SpanSketch[] {
  const [root, query, call] = [hex(16), hex(16), hex(16)]
  const route = ['/search', '/cart', '/item/{id}'][Math.floor(random() * 3)]!
  const service = route === '/cart' ? 'checkout' : 'frontend'
  const failed = random() < 0.08
  const took = 20 + Math.floor(random() ** 3 * 900)
  const at = (ms: number) => startNano + BigInt(Math.round(ms)) * MS
  return [
    {
      id: root, name: `GET ${route}`, service, kind: 2, startNano: at(0), endNano: at(took),
      attributes: { 'http.request.method': 'GET', 'http.route': route, 'http.response.status_code': failed ? 500 : 200 },
      ...(failed && { status: { code: 2 as const, message: 'no stock' } }),
    },
    { id: query, parent: root, name: 'SELECT items', service, kind: 3, startNano: at(2), endNano: at(2 + took / 4), attributes: { 'db.system.name': 'sqlite', 'db.query.text': 'SELECT name FROM items WHERE id = ?', 'db.operation.name': 'SELECT' } },
    { id: call, parent: root, name: 'GET', service, kind: 3, startNano: at(took / 3), endNano: at(took * 0.9), attributes: { 'http.request.method': 'GET', 'server.address': 'en.wikipedia.org', 'http.response.status_code': 200 } },
  ] // prettier-ignore
}

beforeAll(async () => {
  sightline = await Sightline.start(['--set', 'self_metrics.interval=1s'])
  browser = await Browser.start()
  const now = BigInt(Date.now()) * MS
  for (let i = 0; i < REQUESTS; i++) {
    const start = now - BigInt(Math.floor(random() * 40 * 60 + 5)) * 1000n * MS
    const traceId = hex(32)
    await sightline.send('traces', tracesRequest(traceId, request(start)))
    if (i % 4 === 0) await sightline.send('logs', logsRequest('frontend', traceId, [{ atNano: start, body: `order ${i} taken`, severity: i % 16 === 0 ? 17 : 9 }]))
  }
  await waitUntil(async () => {
    const found = await sightline.ask<{ groups: unknown[]; spans: number }>('/query/groups?by=resource.service.name&last=1h')
    return found?.spans === REQUESTS * 3
  }, 'spans stored')
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const open = async (address: string, options: PageOptions = {}) => {
  const page = await browser.page(options)
  await page.goto(address)
  return page
}
const shot = async (page: Page, name: string) => {
  await mkdir(SHOTS, { recursive: true })
  await page.screenshot({ path: join(SHOTS, `${name}.png`) })
}
const panel = (page: Page, title: string): Locator => page.getByRole('region', { name: title, exact: true })
const drawn = async (page: Page) => {
  await settled(page)
  await waitUntil(async () => (await page.locator('.view[aria-busy=true]').count()) === 0, 'all panels drawn')
}

describe('the list of dashboards', () => {
  it('has those that are ready for what the data has first, and is worked by keys', async () => {
    const page = await open(`${sightline.url}/dashboards`)
    const ready = page.getByRole('region', { name: 'Ready for your data' })
    await ready.getByRole('link', { name: 'HTTP server' }).waitFor()
    for (const name of ['Service overview', 'HTTP client', 'Databases', 'Logs overview']) expect(await ready.getByRole('link', { name }).count()).toBe(1)
    expect(await page.getByRole('region', { name: 'Ready when such data comes' }).getByRole('link', { name: 'JVM runtime' }).count()).toBe(1)
    await shot(page, 'dashboards-list-light')
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('/')
    await page.keyboard.type('http')
    await waitUntil(async () => (await page.locator('a.title').count()) === 2, 'two are found')
    await page.keyboard.press('Escape')
    expect(problems(page)).toEqual([])
    await page.close()
  })
})

describe('ready dashboards', () => {
  it.each(['ready-service-overview', 'ready-http-server', 'ready-http-client', 'ready-databases', 'ready-logs-overview', 'ready-sightline'])('%s shows what is stored', async (id) => {
    const page = await open(`${sightline.url}/dashboards/${id}?last=1h`, { width: 1440, height: 1000 })
    await drawn(page)
    expect(await page.getByRole('alert').count()).toBe(0)
    await shot(page, `dashboard-${id}-light`)
    expect(await accessibilityViolations(page)).toEqual([])
    expect(problems(page)).toEqual([])
    await page.close()
  })
  it('read well in the dark and on a narrow screen', async () => {
    const dark = await open(`${sightline.url}/dashboards/ready-service-overview?last=1h`, { theme: 'dark', width: 1440, height: 1000 })
    await drawn(dark)
    await shot(dark, 'dashboard-ready-service-overview-dark')
    expect(await accessibilityViolations(dark)).toEqual([])
    await dark.close()
    const narrow = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 420, height: 900 })
    await drawn(narrow)
    await shot(narrow, 'dashboard-ready-http-server-narrow')
    await narrow.close()
  })
  it('ask only for the panels that are near the window', async () => {
    const page = await browser.page({ width: 1440, height: 500 })
    const asked: string[] = []
    page.on('request', (request) => request.url().includes('/api/v1/') && asked.push(new URL(request.url()).pathname.replace('/api/v1', '')))
    await page.goto(`${sightline.url}/dashboards/ready-service-overview?last=1h`)
    await drawn(page)
    expect(asked.filter((path) => path === '/metrics/query').length).toBeGreaterThan(3)
    expect(asked).not.toContain('/logs/volume')
    await page.locator('[data-panel=p12]').scrollIntoViewIfNeeded()
    await waitUntil(() => Promise.resolve(asked.includes('/logs/volume')), 'the last panel asks when it is seen')
    await page.close()
  })
  it('turn into bars, a table and a value by a click, and group by another field', async () => {
    const page = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 1440, height: 1000 })
    await drawn(page)
    const routes = panel(page, 'Requests by route')
    await routes.hover()
    await routes.getByRole('button', { name: 'Table', exact: true }).click()
    await routes.getByRole('table', { name: 'Requests by route' }).waitFor()
    expect(await routes.getByRole('row').count()).toBe(4)
    await routes.getByRole('button', { name: /by:? .*http\.route/ }).click()
    await page.getByRole('option', { name: 'resource.service.name' }).click()
    await waitUntil(async () => (await routes.getByRole('row').count()) === 3, 'a row for each service')
    await routes.hover()
    await routes.getByRole('button', { name: 'Bars over time' }).click()
    await routes.getByRole('img', { name: /2 series/ }).waitFor()
    await page.close()
  })
  it('lead from a value to the traces behind it', async () => {
    const page = await open(`${sightline.url}/dashboards/ready-http-server?last=1h`, { width: 1440, height: 1600 })
    await drawn(page)
    await panel(page, 'Calls by endpoint and status').getByRole('button', { name: /^(frontend|checkout)$/ }).first().click()
    await page.getByRole('menuitem', { name: 'Traces' }).click()
    await page.waitForURL(/\/traces\?/)
    expect(new URL(page.url()).searchParams.get('q')).toContain('span.http.route =')
    await page.close()
  })
})

describe('a dashboard of one’s own', () => {
  it('is built from nothing, saved, exported, imported and shared', async () => {
    const page = await open(`${sightline.url}/dashboards`, { width: 1440, height: 1000 })
    await page.getByRole('link', { name: 'New dashboard' }).click()
    await page.getByRole('button', { name: 'Add a panel' }).click()
    const editor = page.getByRole('dialog', { name: 'Panel' })
    await editor.getByRole('textbox', { name: 'Title' }).fill('Spans by name')
    await editor.getByRole('textbox', { name: 'Query A' }).fill('{ resource.service.name =~ $service } | rate() by (name)')
    await editor.getByRole('img', { name: /5 series/ }).waitFor()
    await shot(page, 'dashboard-editor-light')
    await editor.getByRole('button', { name: 'Apply' }).click()
    await page.getByRole('button', { name: 'Panel', exact: true }).click()
    await editor.getByRole('textbox', { name: 'Title' }).fill('Words')
    await editor.getByRole('button', { name: /^Draw as|^as / }).click()
    await page.getByRole('menuitemradio', { name: 'Text' }).click()
    await editor.getByRole('textbox', { name: 'Markdown' }).fill('**Bold** and <b>no HTML</b> of $service')
    await editor.getByRole('button', { name: 'Apply' }).click()
    expect(await panel(page, 'Words').locator('strong').textContent()).toBe('Bold')
    expect(await panel(page, 'Words').textContent()).toContain('<b>no HTML</b> of all')

    // Moved by keys, resized by the pointer.
    const words = page.locator('.cell', { has: panel(page, 'Words') })
    const before = (await words.boundingBox())!
    await page.getByRole('button', { name: /Move Spans by name/ }).focus()
    await page.keyboard.press('ArrowDown')
    await waitUntil(async () => (await page.getByRole('status').filter({ hasText: 'Spans by name: column 1' }).count()) > 0, 'the move is told')
    const corner = (await page.getByRole('button', { name: /Resize Words/ }).boundingBox())!
    await page.mouse.move(corner.x + corner.width / 2, corner.y + corner.height / 2)
    await page.mouse.down()
    await page.mouse.move(corner.x - 200, corner.y + 80, { steps: 5 })
    await page.mouse.up()
    await waitUntil(async () => ((await words.boundingBox())?.height ?? 0) > before.height, 'the panel is higher')

    // A series becomes bars, for good while it is edited.
    const spans = panel(page, 'Spans by name')
    await spans.hover()
    await spans.getByRole('button', { name: 'Bars over time' }).click()
    await page.getByText('Not saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.waitForURL(/\/dashboards\/\d+/)
    await page.reload()
    await drawn(page)
    const id = /\/dashboards\/(\d+)/.exec(page.url())![1]!
    const kept = await sightline.ask<{ document: { panels: { display: string; title: string }[] } }>(`/dashboards/${id}`)
    expect(kept?.document.panels.map((one) => [one.title, one.display])).toEqual([['Spans by name', 'bars'], ['Words', 'text']]) // prettier-ignore
    await shot(page, 'dashboard-own-light')
    expect(await accessibilityViolations(page)).toEqual([])

    // Out and in again.
    await page.getByRole('button', { name: 'More', exact: true }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'Export as JSON' }).click()])
    expect(file.suggestedFilename()).toBe('new-dashboard.json')
    const exported = await readFile(await file.path(), 'utf8')
    expect(JSON.parse(exported)).toEqual(kept?.document)
    await page.goto(`${sightline.url}/dashboards`)
    await page.getByRole('button', { name: 'Import' }).click()
    const dialog = page.getByRole('dialog', { name: 'Import a dashboard' })
    await dialog.getByRole('textbox', { name: 'JSON' }).fill(exported.replace('"bars"', '"pies"'))
    await dialog.getByRole('button', { name: 'Import' }).click()
    await dialog.getByRole('alert').filter({ hasText: 'panels[0].display' }).waitFor()
    await dialog.getByRole('textbox', { name: 'JSON' }).fill(exported.replace('New dashboard', 'Imported'))
    await dialog.getByRole('button', { name: 'Import' }).click()
    await page.waitForURL(/\/dashboards\/\d+/)
    await panel(page, 'Words').waitFor()

    // Shared with the variables that are chosen.
    await page.goto(`${sightline.url}/dashboards/${id}?last=1h&var-service=checkout`)
    await panel(page, 'Words').getByText('of checkout').waitFor()
    await page.getByRole('button', { name: 'Share' }).click()
    await page.getByRole('button', { name: 'Make a link' }).click()
    const href = await page.getByRole('list', { name: 'Share links' }).getByRole('link').getAttribute('href')
    const other = await open(`${sightline.url}${href}`, { width: 1440, height: 800 })
    await panel(other, 'Words').getByText('of checkout').waitFor()
    expect(await other.getByRole('button', { name: 'Edit' }).count()).toBe(0)
    await page.getByRole('button', { name: 'End' }).click()
    await waitUntil(async () => (await page.getByRole('list', { name: 'Share links' }).getByRole('link').count()) === 0, 'the link is ended')
    await other.reload()
    await other.getByText('This link shows nothing any more').waitFor()
    await other.close()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('says who changed it meanwhile, and loses nothing of what was edited', async () => {
    const document = { schema: 1, title: 'Of two people', panels: [] }
    const made = await fetch(`${sightline.url}/api/v1/dashboards`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ document }) })
    const { id } = (await made.json()) as { id: string }
    const page = await open(`${sightline.url}/dashboards/${id}?edit=1`)
    await page.getByRole('button', { name: 'Settings', exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox', { name: 'Title' }).fill('Mine')
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click()
    await fetch(`${sightline.url}/api/v1/dashboards/${id}`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ version: 1, document: { ...document, title: 'Theirs' } }) })
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText(/was changed meanwhile/).waitFor()
    await page.reload()
    await page.getByText('Not saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Save mine over it' }).click()
    await waitUntil(async () => (await sightline.ask<{ document: { title: string } }>(`/dashboards/${id}`))?.document.title === 'Mine', 'mine is kept')
    await page.close()
  })
})
