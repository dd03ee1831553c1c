// Recorded traffic of the article's own demo (a FastAPI service whose call to Wikipedia fails while it answers 200): what
// went wrong is seen in the list without opening a trace, and in the trace without scrolling. The recordings lie beside
// the checkout (SIGHTLINE_SHARED_DIR); where they are not, these tests say so and are skipped.
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser, problems, settled, Sightline, waitUntil } from './harness'

const FOLDER = join(process.env['SIGHTLINE_SHARED_DIR'] ?? resolve(import.meta.dirname, '../../../shared'), 'otlp-samples')
const RECORDINGS = existsSync(FOLDER) ? readdirSync(FOLDER).filter((name) => /^python-demo-traces-/.test(name)) : []
if (RECORDINGS.length === 0) console.warn(`no recordings of the article's demo in ${FOLDER}: its screens are not tested`)
const CAUSE = 'ConnectError: All connection attempts failed'

interface Found {
  traces: { trace_id: string; start_unix_nano: string; root_status: string; failures: { message: string }[] }[]
}

describe.skipIf(RECORDINGS.length === 0)("the article's demo, whose Wikipedia cannot be reached", () => {
  let sightline: Sightline
  let browser: Browser
  let found: Found['traces']

  beforeAll(async () => {
    const config = join(await mkdtemp(join(tmpdir(), 'sightline-demo-')), 'sightline.yaml')
    await writeFile(config, 'retention: {traces: forever, metrics: forever}\n') // the recordings grow old
    sightline = await Sightline.start(['--config', config])
    browser = await Browser.start()
    for (const name of RECORDINGS) await sightline.sendFile('traces', join(FOLDER, name))
    const asked = `/traces?from=1&to=${2n ** 62n}&status=error&limit=300`
    const isAll = async () => {
      const page = await sightline.ask<Found>(asked)
      found = page?.traces.filter((trace) => trace.failures.some((failure) => failure.message === CAUSE)) ?? []
      return found.length > 20
    }
    await waitUntil(isAll, 'the traces whose call to Wikipedia failed')
  })

  afterAll(async () => {
    await browser?.close()
    await sightline?.close()
  })

  const range = () => {
    const times = found.map((trace) => BigInt(trace.start_unix_nano))
    const [first, last] = [times.reduce((a, b) => (a < b ? a : b)), times.reduce((a, b) => (a > b ? a : b))]
    return `from=${first}&to=${last + 1n}`
  }

  for (const scheme of ['light', 'dark'] as const) {
    it(`shows the failed call in the list, ${scheme}`, async () => {
      const page = await browser.page({ theme: scheme })
      await page.goto(`${sightline.url}/traces?${range()}&status=error`)
      await settled(page)
      const cause = page.getByRole('table', { name: 'Traces' }).getByText(CAUSE).first()
      await cause.waitFor()
      expect((await cause.boundingBox())!.y).toBeLessThan(page.viewportSize()!.height)
      expect(await page.getByRole('table', { name: 'Traces' }).textContent()).toContain('root has no error')
      expect(problems(page)).toEqual([])
      await page.close()
    })
  }

  it('explains it at the top of the trace, whose root has no error', async () => {
    expect(found.every((trace) => trace.root_status === 'Unset')).toBe(true)
    const page = await browser.page()
    await page.goto(`${sightline.url}/traces/${found[0]!.trace_id}`)
    const causes = page.getByRole('region', { name: 'Likely causes of failure' })
    await causes.waitFor()
    expect(await causes.textContent()).toContain('The root has no error')
    expect(await causes.textContent()).toContain(CAUSE)
    const box = (await causes.boundingBox())!
    expect(box.y + box.height).toBeLessThan(page.viewportSize()!.height / 2)
    await page.locator('.wf-row.is-failed', { hasText: 'GET' }).first().waitFor()
    expect(problems(page)).toEqual([])
    await page.close()
  })
})
