// The page of log records in Chromium against the real program: what is searched, opened, followed and shared by a link.
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessibilityViolations, Browser, problems, Sightline, waitUntil } from './harness'
import { logsRequest, type LogSketch } from './otlp'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const COUNT = 400
const now = BigInt(Date.now()) * 1_000_000n
const BIG = 9_007_199_254_740_993n

const SHOTS = process.env.SIGHTLINE_SCREENSHOTS ?? join(import.meta.dirname, '../../build/test-results/screenshots')
// In both themes, wide and narrow.
async function shot(page: Page, name: string): Promise<void> {
  await mkdir(SHOTS, { recursive: true })
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [size, width] of [['wide', 1440], ['narrow', 480]] as const) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 900 })
      await page.screenshot({ path: join(SHOTS, `${name}-${size}-${colorScheme}.png`) })
    }
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.mouse.move(0, 0) // with other sizes other things come under it, and show their tips
}

let sightline: Sightline
let browser: Browser

// One each second up to ten seconds ago, the newest the most telling.
const quiet: LogSketch[] = Array.from({ length: COUNT }, (_, i) => ({
  atNano: now - BigInt(20 + i) * 1_000_000_000n,
  body: `order ${i} placed by user ${i % 7}`,
  attributes: { 'order.id': i, 'user.tier': i % 2 ? 'gold' : 'free' },
}))
const telling: LogSketch[] = [
  { atNano: now - 12_000_000_000n, body: { event: 'paid', order: { id: 7, items: ['a', 'b'] } } },
  {
    atNano: now - 11_000_000_000n,
    body: 'charge failed\nsecond line',
    severity: 17,
    span: SPAN,
    attributes: {
      'exception.type': 'java.lang.IllegalStateException',
      'exception.message': 'no account',
      'exception.stacktrace': 'java.lang.IllegalStateException: no account\n\tat com.shop.Billing.charge(Billing.java:41)',
      'account.id': BIG,
    },
  },
]

async function count(query: string): Promise<number> {
  return (await sightline.ask<{ total: number }>(`/logs/volume?last=1h&${query}`))?.total ?? 0
}

beforeAll(async () => {
  sightline = await Sightline.start()
  browser = await Browser.start()
})

afterAll(async () => {
  await browser?.close()
  await sightline?.close()
})

const rows = (page: Page) => page.locator('[role=table][aria-label="Log records"] .row')
const panel = (page: Page) => page.getByRole('complementary', { name: 'Log record' })
const open = async (page: Page, path: string) => {
  await page.goto(sightline.url + path)
  await rows(page).first().waitFor()
}
// As a link in the page does: a step in the history, without a load.
const follow = (page: Page, path: string) =>
  page.evaluate((href) => {
    const link = document.createElement('a')
    link.href = href
    document.body.append(link)
    link.click()
    link.remove()
  }, path)

describe('the page of log records', () => {
  it('says how to send some, and shows the first ones by itself', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/logs`)
    await page.getByText('No logs have arrived yet').waitFor()
    expect(await accessibilityViolations(page)).toEqual([])
    await sightline.send('logs', logsRequest('shop', '', quiet))
    await sightline.send('logs', logsRequest('billing', TRACE, telling))
    await rows(page).first().waitFor()
    await waitUntil(async () => (await count('')) === COUNT + telling.length, 'all records')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('lists the newest first', async () => {
    const page = await browser.page()
    await open(page, '/logs')
    expect(await rows(page).first().innerText()).toContain('charge failed')
    await page.getByText(`${COUNT + telling.length} records`).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('opens a record by keys, with its exception, all digits of its numbers and the way to its span', async () => {
    const page = await browser.page()
    await open(page, '/logs')
    await page.getByText(`${COUNT + telling.length} records`).waitFor()
    let asked = 0
    page.on('request', (request) => (asked += /\/api\/v1\/logs/.test(request.url()) ? 1 : 0))
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await panel(page).waitFor()
    expect(await panel(page).getByRole('group', { name: 'Exception' }).innerText()).toContain('no account')
    expect(await panel(page).innerText()).toContain(String(BIG))
    const trace = panel(page).getByRole('link', { name: 'Open the trace at this span' })
    expect(await trace.getAttribute('href')).toContain(`/traces/${TRACE}?`)
    expect(await trace.getAttribute('href')).toContain(`span=${SPAN}`)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.keyboard.press('j')
    // A body that is a map: by its paths, or as it is.
    await panel(page).getByText('order.items', { exact: true }).waitFor()
    await panel(page).getByRole('radio', { name: 'Formatted' }).click()
    await panel(page).getByText('"event": "paid"').waitFor()
    await page.keyboard.press('Escape')
    await panel(page).waitFor({ state: 'detached' })
    expect(asked).toBe(0) // all of it was there
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('finds a record again by its link, whatever the list shows', async () => {
    const page = await browser.page()
    await open(page, '/logs?service=billing')
    await rows(page).filter({ hasText: 'charge failed' }).locator('.body').click()
    await panel(page).waitFor()
    const record = new URL(page.url()).searchParams.get('record') ?? ''
    await page.goto(`${sightline.url}/logs?text=nothing+of+this+kind&record=${encodeURIComponent(record)}`)
    await panel(page).getByText('charge failed').first().waitFor()
    await page.getByText('No record matches').waitFor()
    await page.close()
  })

  it('marks the searched text, filters by a value, and finds all of it on several pages', async () => {
    const page = await browser.page()
    await open(page, '/logs')
    await page.keyboard.press('/')
    await page.keyboard.type('PLACED')
    await page.getByText(`${COUNT} records`).waitFor()
    await rows(page).first().locator('mark').waitFor()
    expect(await rows(page).first().locator('mark').allInnerTexts()).toEqual(['placed'])
    const table = page.getByRole('table', { name: 'Log records' })
    await waitUntil(async () => {
      await table.evaluate((element) => (element.scrollTop = element.scrollHeight))
      return (await table.innerText()).includes(`All ${COUNT} records`)
    }, 'the end of the list')
    await rows(page).last().locator('.body').click()
    await panel(page).getByRole('button', { name: /^Filter by user.tier/ }).click()
    await page.getByText(`${COUNT / 2} records`).waitFor()
    expect(new URL(page.url()).searchParams.get('attribute')).toMatch(/^user\.tier=(gold|free)$/)
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('searches while one types, and takes nothing away of what is typed', async () => {
    const page = await browser.page()
    await open(page, '/logs')
    const text = (wanted: string) => page.waitForURL((url) => url.searchParams.get('text') === wanted)
    await page.keyboard.press('/')
    await page.keyboard.type('order ')
    await text('order')
    await page.keyboard.type('150 placed')
    await text('order 150 placed')
    await page.getByText('1 record', { exact: true }).waitFor()
    await page.close()
  })

  it('looks around a record with it in sight', async () => {
    const page = await browser.page()
    await open(page, '/logs?text=order+150+placed')
    await rows(page).first().locator('.body').click()
    await panel(page).getByRole('link', { name: 'A minute around it' }).click()
    await rows(page).filter({ hasText: 'order 155 placed' }).waitFor()
    const marked = page.locator('.row.marked')
    expect(await marked.count()).toBe(1)
    expect(await marked.innerText()).toContain('order 150 placed')
    const table = page.getByRole('table', { name: 'Log records' })
    expect(await table.getAttribute('aria-rowcount')).toBe('120')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('counts what the records are made of, to click on, and shows it in columns', async () => {
    const page = await browser.page()
    await open(page, '/logs?last=1h')
    const rail = page.getByRole('complementary', { name: 'What the records are made of' })
    await rail.getByRole('textbox', { name: 'Find a field or value' }).fill('tier')
    await rail.getByRole('button', { name: /^gold/ }).filter({ hasText: String(COUNT / 2) }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ log.user.tier = "gold" }')
    await page.getByText(`${COUNT / 2} records`).waitFor()
    await page.getByRole('button', { name: 'Add a column' }).click()
    await page.getByRole('option', { name: /^log\.order\.id/ }).click()
    await page.getByRole('columnheader', { name: 'order.id' }).waitFor()
    await rows(page).first().getByRole('cell', { name: '1', exact: true }).waitFor()
    await page.waitForFunction(() => document.querySelector('.dimmed') === null)
    expect(await accessibilityViolations(page)).toEqual([])
    // Saved as a file, all pages of it, with the column.
    await page.getByRole('button', { name: 'Download' }).click()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'As CSV' }).click()])
    const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\r\n')
    expect(lines).toHaveLength(1 + COUNT / 2)
    expect(lines[0]).toContain(',log.order.id,')
    // Beside words that are searched for.
    await page.goto(`${sightline.url}/logs?last=1h&q=${encodeURIComponent('placed || paid')}`)
    await rail.getByRole('textbox', { name: 'Find a field or value' }).fill('tier')
    await rail.getByRole('button', { name: 'Without gold' }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === 'placed || paid { log.user.tier != "gold" }')
    await page.getByText(/^\d+ records/).first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('asks for what stands in bodies of JSON, from the panel, the fields and the box', async () => {
    const page = await browser.page()
    const at = now - 2_400_000_000_000n
    const bodies = Array.from({ length: 30 }, (_, i) => JSON.stringify({ http: { status: i % 10 === 0 ? 500 : 200, route: `/r${i}` }, 'log.level': i % 2 ? 'info' : 'warn' }))
    await sightline.send('logs', logsRequest('json', '', bodies.map((body, i) => ({ atNano: at + BigInt(i), body }))))
    await waitUntil(async () => (await count('service=json')) === bodies.length, 'the records with JSON')
    await open(page, '/logs?service=json')
    const rail = page.getByRole('complementary', { name: 'What the records are made of' })
    await rail.getByRole('list', { name: 'body.http.status' }).getByRole('button', { name: /^500/ }).filter({ hasText: '3' }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ body.http.status = 500 }')
    await page.getByText('3 records', { exact: true }).waitFor()
    // The other value can be chosen in its place.
    await rail.getByRole('list', { name: 'body.http.status' }).getByRole('button', { name: /^200/ }).filter({ hasText: '27' }).waitFor()
    await rows(page).filter({ hasText: '/r20' }).locator('.body').click()
    await panel(page).getByText('http.route', { exact: true }).hover()
    await panel(page).getByRole('button', { name: /^Filter by log\.level = warn/ }).click()
    await page.waitForURL((url) => url.searchParams.get('q') === '{ body.http.status = 500 && body."log.level" = "warn" }')
    await page.getByText(/^(All 3|3) records/).first().waitFor()
    await page.getByRole('button', { name: 'Add a column' }).click()
    await page.getByRole('option', { name: /^body\.http\.route/ }).click()
    await page.getByRole('columnheader', { name: 'body.http.route' }).waitFor()
    await rows(page).getByRole('cell', { name: '/r20', exact: true }).waitFor()
    await page.waitForFunction(() => document.querySelector('.dimmed') === null)
    expect(await accessibilityViolations(page)).toEqual([])
    await shot(page, 'logs-json')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('shows the lines around one of the same instance, and goes on both ways', async () => {
    const page = await browser.page()
    const from = now - 1_800_000_000_000n
    for (const instance of ['a', 'b']) {
      const lines = Array.from({ length: 300 }, (_, i) => ({ atNano: from + BigInt(i) * 100_000_000n, body: `${instance} says ${i}` }))
      await sightline.send('logs', logsRequest('twins', '', lines, { 'service.instance.id': `instance-${instance}` }))
    }
    await waitUntil(async () => (await count('service=twins')) === 600, 'the lines of both')
    await open(page, '/logs?service=twins&text=a+says+150')
    await rows(page).first().locator('.body').click()
    await panel(page).getByRole('link', { name: 'Surrounding lines' }).click()
    await page.getByText('service.instance.id = instance-a').waitFor()
    await rows(page).filter({ hasText: 'a says 149' }).waitFor()
    const marked = page.locator('.row.marked')
    expect(await marked.count()).toBe(1)
    expect(await marked.innerText()).toContain('a says 150')
    expect(await rows(page).filter({ hasText: 'b says' }).count()).toBe(0)
    const table = page.getByRole('table', { name: 'Log records' })
    const length = async () => Number(await table.getAttribute('aria-rowcount'))
    expect(await length()).toBe(200)
    await shot(page, 'logs-around')
    expect(await accessibilityViolations(page)).toEqual([])
    // What fails upwards is said above the list, and asked for again there.
    const refused = (route: Route) => route.fulfill({ status: 500, json: { error: { code: 'INTERNAL', message: 'not now' } } })
    const pages = (url: URL) => url.pathname === '/api/v1/logs' && url.searchParams.has('cursor')
    await page.route(pages, refused)
    await table.evaluate((element) => (element.scrollTop = 200))
    const failed = page.locator('.notice').getByRole('alert').filter({ hasText: 'not now' })
    await failed.waitFor()
    expect(await table.getByRole('alert').count()).toBe(0)
    await page.unroute(pages, refused)
    await failed.getByRole('button', { name: 'Retry' }).click()
    // Upwards what is in sight stays where it is.
    await waitUntil(async () => (await length()) === 250, 'the earlier ones')
    await rows(page).filter({ hasText: /a says 5[5-9]/ }).first().waitFor()
    await table.evaluate((element) => (element.scrollTop = element.scrollHeight))
    await waitUntil(async () => (await length()) === 300, 'the later ones')
    await table.evaluate((element) => (element.scrollTop = 0))
    await rows(page).first().filter({ hasText: 'a says 0' }).waitFor()
    // A list that "back" shows again was not asked for again, and still is of one instance.
    await follow(page, '/logs?text=order+150+placed')
    await page.getByText('1 record', { exact: true }).waitFor()
    await page.getByText('service.instance.id = instance-a').waitFor({ state: 'detached' })
    await page.goBack()
    await rows(page).first().filter({ hasText: 'a says 0' }).waitFor()
    expect(await length()).toBe(300)
    await page.getByText('service.instance.id = instance-a').waitFor()
    await page.getByRole('button', { name: 'All instances' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('shows after "back" what the entry says, also past one that was live', async () => {
    const page = await browser.page()
    const only = async (text: string) => {
      await rows(page).filter({ hasText: `${text} placed` }).waitFor()
      await waitUntil(async () => (await rows(page).count()) === 1, `${text} alone`)
    }
    await open(page, '/logs?last=1h&text=order+150+placed')
    await only('order 150')
    await follow(page, '/logs?last=1h&text=order+151+placed&live=5s')
    await only('order 151')
    await follow(page, '/logs?last=1h&text=order+152+placed')
    await only('order 152')
    await page.goBack()
    await only('order 151')
    await page.goBack()
    await only('order 150')
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('narrows the range by a drag over the volume', async () => {
    const page = await browser.page()
    await open(page, '/logs')
    const plot = await page.locator('.chart-host .u-over').boundingBox()
    if (plot === null) throw new Error('no plot')
    await page.mouse.move(plot.x + plot.width * 0.5, plot.y + 20)
    await page.mouse.down()
    await page.mouse.move(plot.x + plot.width * 0.75, plot.y + 22, { steps: 4 })
    await page.mouse.up()
    await page.waitForURL(/from=\d{19}&to=\d{19}|to=\d{19}/)
    const url = new URL(page.url())
    const span = BigInt(url.searchParams.get('to') ?? 0) - BigInt(url.searchParams.get('from') ?? 0)
    expect(Number(span / 1_000_000_000n)).toBeGreaterThan(800)
    expect(Number(span / 1_000_000_000n)).toBeLessThan(1000)
    await page.close()
  })

  it('puts what arrives at the head and keeps the place of who reads further down', async () => {
    const page = await browser.page()
    await open(page, '/logs?live=5s')
    const table = page.getByRole('table', { name: 'Log records' })
    const count = async () => Number(await table.getAttribute('aria-rowcount'))
    const former = await count()
    await table.evaluate((element) => (element.scrollTop = 20 * 28))
    const seen = rows(page).filter({ hasText: 'order 25 placed' })
    const before = await waitUntil(() => seen.boundingBox(), 'a row in the middle')
    const sent = BigInt(Date.now()) * 1_000_000n
    await sightline.send('logs', logsRequest('shop', '', [{ atNano: sent, body: 'just arrived' }, { atNano: sent + 1n, body: 'just arrived too' }]))
    await waitUntil(async () => (await count()) === former + 2, 'the new records')
    await waitUntil(async () => Math.abs(((await seen.boundingBox())?.y ?? 0) - before.y) < 1, 'the row in its place')
    await table.evaluate((element) => (element.scrollTop = 0))
    await rows(page).filter({ hasText: 'just arrived too' }).waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })

  it('follows what comes in, whatever its time, and waits during a pause', async () => {
    const page = await browser.page()
    await page.goto(`${sightline.url}/logs?text=followed&last=15m`)
    await page.getByText('No record matches').waitFor()
    await page.getByRole('button', { name: 'Live', exact: true }).click()
    await page.getByRole('button', { name: 'Pause' }).waitFor()
    const at = () => BigInt(Date.now()) * 1_000_000n
    const send = (...lines: [bigint, string][]) => sightline.send('logs', logsRequest('tailed', '', lines.map(([atNano, body]) => ({ atNano, body }))))
    await send([at(), 'followed one'], [at() - 7_200_000_000_000n, 'followed two, of another hour'], [at(), 'passed by'])
    await rows(page).filter({ hasText: 'followed two' }).filter({ hasText: '2 h late' }).waitFor()
    expect(await rows(page).count()).toBe(2)
    const rate = page.locator('.rate').filter({ hasText: /^\d+\.\d\/s$/ })
    await rate.waitFor()
    expect(await rate.getAttribute('role')).toBeNull() // it would be spoken each second
    await page.getByRole('button', { name: 'Pause' }).click()
    await send([at(), 'followed three'])
    await page.getByRole('button', { name: 'Resume, 1 wait' }).waitFor()
    expect(await rows(page).count()).toBe(2)
    await shot(page, 'logs-live')
    await page.waitForFunction(() => document.querySelector('.dimmed') === null)
    expect(await accessibilityViolations(page)).toEqual([])
    await page.getByRole('button', { name: 'Resume, 1 wait' }).click()
    await rows(page).first().filter({ hasText: 'followed three' }).waitFor()
    expect(await rows(page).count()).toBe(3)
    // What goes wrong meanwhile is said, in a narrow window too.
    const tailed = (url: URL) => url.pathname === '/api/v1/tail/logs'
    await page.setViewportSize({ width: 480, height: 900 })
    await page.route(tailed, (route) => route.fulfill({ status: 500, json: { error: { code: 'INTERNAL', message: 'the part could not be read. '.repeat(8) } } }))
    const wrong = page.getByRole('alert').filter({ hasText: 'the part could not be read' })
    await wrong.waitFor()
    const { x, width } = (await wrong.boundingBox())!
    expect(x >= 0 && x + width <= 480).toBe(true)
    await page.unroute(tailed)
    await wrong.waitFor({ state: 'detached' })
    await page.setViewportSize({ width: 1440, height: 900 })
    // Without it the list is that of the range: what is late belongs elsewhere.
    await page.getByRole('button', { name: 'Live', exact: true }).click()
    await waitUntil(async () => (await rows(page).count()) === 2, 'the records of the range')
    expect(problems(page)).toEqual([])
    await page.close()
  })
})
